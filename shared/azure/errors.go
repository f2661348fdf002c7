package azure

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/telemetry"
)

// upstreamCode is the code of a failure of Azure's that has no code of its own.
const upstreamCode = "upstream_error"

// maxErrorBody bounds what is read of an error answer, in bytes.
const maxErrorBody = 1 << 20

// upstreamError is Azure's error in OpenAI's shape. Every member that Azure sent stays as it is
// (code, param, innererror, content filter results ...); message, type, param and code are added where
// it sent none, because OpenAI's SDKs look for all four. Of an error of another form, which comes from
// something before Azure, the words stay; these go into the log as well, since no code tells what happened.
func upstreamError(status int, header http.Header, body []byte) *openaierr.Error {
	e := &openaierr.Error{Status: status, Type: typeOf(status), Header: header}
	object := errorObject(body)
	if object == nil {
		e.Code = upstreamCode
		e.Message = fmt.Sprintf("Azure OpenAI answered %d with a body of %d bytes that is not one of its errors.", status, len(body))
		if words := wordsOf(body); words != "" {
			e.Message = fmt.Sprintf("Azure OpenAI answered %d: %s", status, words)
			e.Cause = fmt.Errorf("azure answered %d: %s", status, words)
		}
		return e
	}
	e.Message, e.Code = scalarText(object.Get("message")), scalarText(object.Get("code"))
	if e.Message == "" {
		e.Message = "Azure OpenAI answered " + strconv.Itoa(status) + " without a message."
		if n, err := rawjson.ParseTree(object.Bytes()); err == nil {
			if words := printable(wordsIn(n, 0)); words != "" {
				e.Message = fmt.Sprintf("Azure OpenAI answered %d: %s", status, words)
			}
		}
	}
	missing := []struct {
		name  string
		value any
	}{
		{"message", e.Message},
		{"type", e.Type},
		{"param", nil},
		{"code", nil},
	}
	for _, m := range missing {
		if value := object.Get(m.name); value == nil || string(value) == "null" && m.value != nil {
			raw, _ := json.Marshal(m.value) // strings and nil always marshal
			object = mustParse(object.With(rawjson.Edit{Key: m.name, Value: raw}).Bytes())
		}
	}
	e.Object = object.Bytes()
	return e
}

// errorObject finds {"error":{...}} or, as Azure's gateway answers, {"statusCode":..,"message":".."}.
func errorObject(body []byte) *rawjson.Object {
	o, err := rawjson.Parse(body)
	if err != nil {
		return nil
	}
	if inner, err := rawjson.Parse(o.Get("error")); err == nil {
		return inner
	}
	if message := o.Get("error"); scalarText(message) != "" && printable(scalarText(message)) == scalarText(message) {
		return mustParse([]byte(`{"message":` + string(message) + `}`))
	}
	if scalarText(o.Get("message")) != "" {
		return o
	}
	return nil
}

// mustParse parses JSON that was made from parsed JSON.
func mustParse(raw []byte) *rawjson.Object {
	o, err := rawjson.Parse(raw)
	if err != nil {
		panic("azure: " + err.Error())
	}
	return o
}

// scalarText is a JSON string or number as text, "" for anything else.
func scalarText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func typeOf(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return openaierr.TypeRateLimit
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return openaierr.TypeTimeout
	case status >= http.StatusInternalServerError:
		return openaierr.TypeServer
	}
	return openaierr.TypeInvalidRequest
}

// UnknownModel is a 404, as OpenAI answers it.
func UnknownModel(name string) error {
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Param: "model", Code: "model_not_found",
		Message: fmt.Sprintf("The model `%s` does not exist here. GET /v1/models lists the models that this key may use.", name),
	}
}

// unknownResource is for calls about what an earlier version of the Azure secret had a place for.
func unknownResource(name string) error {
	return (&openaierr.Error{
		Status: http.StatusInternalServerError, Type: openaierr.TypeServer, Code: "configuration_error",
		Message: fmt.Sprintf("The Azure secret no longer has the resource %q, where this work was begun. Put it back until the work is done.", name),
	}).Final()
}

// badHeader is about a header of the caller's that HTTP cannot carry.
func badHeader(name string) error {
	return openaierr.Invalid(name, "invalid_header",
		"The header %s has a line break or another control character in its value. Take it out, or leave the header out.", name)
}

// noRequest is about a path or a query that no URL can have.
func noRequest() error {
	return openaierr.Invalid("", "invalid_url",
		"No request to Azure OpenAI can be made with this path and query. Check both for characters that must be escaped in a URL.")
}

// maxQuoted bounds what the log has of Azure's message, in characters.
const maxQuoted = 300

// credentialRefused hides Azure's message, which can name a principal, and keeps its code. It is not a
// 401: to the caller a 401 means the caller's own key. The log gets the message as well; a body that is
// not one of Azure's errors is not quoted, because it may have the request in it.
func credentialRefused(status int, body []byte) error {
	code := strconv.Itoa(status)
	cause := fmt.Errorf("azure answered %d with a body of %d bytes that is not one of its errors", status, len(body))
	if object := errorObject(body); object != nil {
		if own := scalarText(object.Get("code")); own != "" {
			code = logsafe.Text(own)
		}
		cause = fmt.Errorf("azure answered %d: %s: %.*s", status, code, maxQuoted, logsafe.Text(scalarText(object.Get("message"))))
	}
	return (&openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeUpstreamAuth, Code: code,
		Message: fmt.Sprintf("Azure OpenAI refused the bridge's own credential (%d). Your key is fine; the owner of this endpoint must mend the Azure secret, the role assignment or the network rule.", status),
		Cause:   cause,
	}).Final()
}

func credentialUnavailable(err error) error {
	return &openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeUpstreamAuth, Code: "azure_token_unavailable", Cause: tokenFailed(err),
		Message: "The bridge got no token from Microsoft Entra ID for its call to Azure OpenAI. Your key is fine; the owner of this endpoint finds the reason in the function's log.",
	}
}

func connectionFailed(err error, sent bool) error {
	e := &openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_unreachable", Cause: logsafe.Error(err),
		Message: "Azure OpenAI could not be reached, or not with the whole request, so nothing was charged: try again.",
	}
	if sent {
		e.Code = "upstream_connection_lost"
		e.Message = "The connection to Azure OpenAI was lost after the request had been sent. It was not tried again, because it may have been charged."
		return e.Final()
	}
	return e
}

// What may have been charged is final for the SDKs too, which would otherwise send it twice more.

func timedOut(cause error, stream bool) error {
	e := &openaierr.Error{
		Status: http.StatusGatewayTimeout, Type: openaierr.TypeTimeout, Code: "timeout", Cause: cause,
		Message: "Azure OpenAI did not answer in time. The request was not tried again, because it may have been charged.",
	}
	if !stream {
		e.Message += " Ask with \"stream\": true: a stream may take much longer."
	}
	return e.Final()
}

// fellSilent ends an answer that had begun.
func fellSilent(cause error) error {
	return (&openaierr.Error{
		Status: http.StatusGatewayTimeout, Type: openaierr.TypeTimeout, Code: "timeout", Cause: cause,
		Message: "Azure OpenAI fell silent before its answer was complete. What has been received is incomplete; it may have been charged.",
	}).Final()
}

// callerGone is for the log; nobody reads the answer. 499 is the status nginx logs for it.
func callerGone(err error) error {
	return &openaierr.Error{
		Status: 499, Type: openaierr.TypeInvalidRequest, Code: telemetry.CallerGone, Cause: logsafe.Error(err),
		Message: "The caller went away before the answer came.",
	}
}

func brokenOff(err error) *openaierr.Error {
	return (&openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_connection_lost", Cause: logsafe.Error(err),
		Message: "Azure OpenAI's answer broke off before its end. What has been received is incomplete; it may have been charged.",
	}).Final()
}

func notJSON(size int) error {
	return (&openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_invalid_response",
		Message: fmt.Sprintf("Azure OpenAI answered with %d bytes that are not JSON. It was not tried again, because it may have been charged.", size),
	}).Final()
}

func tooLarge(limit int64) error {
	return (&openaierr.Error{
		Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_invalid_response",
		Message: fmt.Sprintf("Azure OpenAI answered with more than the %d bytes that are read of such an answer.", limit),
	}).Final()
}
