package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// API is the Invoke API, https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html: POST
// /2015-03-31/functions/{name}/invocations with the invocation types RequestResponse, Event and
// DryRun. A function's name may be qualified with $LATEST, and may be an ARN. There are no log
// tails, no client contexts and no response streams. It is for others to check who calls.
func (h *Host) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", h.serveInvoke)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		apiError{http.StatusNotFound, "UnknownOperationException", "", "Only Invoke is implemented: " + r.Method + " " + r.URL.Path}.write(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["x-amzn-RequestId"] = []string{uuid.NewString()}
		mux.ServeHTTP(w, r)
	})
}

// An apiError is a refusal as the AWS SDKs parse it.
type apiError struct {
	status                int
	code, reason, message string
}

func (e apiError) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header()["x-amzn-ErrorType"] = []string{e.code}
	w.WriteHeader(e.status)
	json.NewEncoder(w).Encode(struct {
		Reason  string `json:",omitempty"`
		Type    string
		Message string `json:"message"`
	}{e.reason, "User", e.message})
}

// apiErrorFor is the apiError for an error of Invoke.
func apiErrorFor(err error, arn string) apiError {
	switch {
	case errors.Is(err, ErrNotFound):
		return apiError{http.StatusNotFound, "ResourceNotFoundException", "", "Function not found: " + arn}
	case errors.Is(err, ErrThrottled):
		return apiError{http.StatusTooManyRequests, "TooManyRequestsException", "ReservedFunctionConcurrentInvocationLimitExceeded", "Rate Exceeded."}
	case errors.Is(err, ErrTooLarge):
		// The code is the documented one; RequestEntityTooLargeException has been seen too.
		return apiError{http.StatusRequestEntityTooLarge, "RequestTooLargeException", "",
			fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxRequest)}
	}
	return apiError{http.StatusInternalServerError, "ServiceException", "", err.Error()}
}

func (h *Host) serveInvoke(w http.ResponseWriter, r *http.Request) {
	name := functionName(r.PathValue("name"), r.URL.Query().Get("Qualifier"))
	arn := Function{Name: name}.arn()
	if _, ok := h.fleets[name]; !ok {
		apiErrorFor(ErrNotFound, arn).write(w)
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		apiErrorFor(ErrTooLarge, arn).write(w)
		return
	} else if err != nil {
		return // the caller went away
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !json.Valid(payload) {
		apiError{http.StatusBadRequest, "InvalidRequestContentException", "", "Could not parse request body into json"}.write(w)
		return
	}
	switch kind := cmp.Or(r.Header.Get("X-Amz-Invocation-Type"), "RequestResponse"); kind {
	case "RequestResponse":
		h.serveRequestResponse(w, r, name, payload)
	case "Event":
		h.work.Go(func() { h.invokeEvent(name, payload) })
		w.WriteHeader(http.StatusAccepted)
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	default:
		apiError{http.StatusBadRequest, "InvalidParameterValueException", "", "Unknown invocation type: " + kind}.write(w)
	}
}

// serveRequestResponse answers with the function's whole answer. What a function streams is passed
// on as it is, prelude and all, as Lambda does.
func (h *Host) serveRequestResponse(w http.ResponseWriter, r *http.Request, name string, payload []byte) {
	answer, err := h.invokeBuffered(r.Context(), name, payload)
	failure, failed := errors.AsType[*FunctionError](err)
	switch {
	case failed:
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		answer = failure.Payload
	case err != nil:
		apiErrorFor(err, Function{Name: name}.arn()).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	w.Write(answer)
}

func (h *Host) invokeBuffered(ctx context.Context, name string, payload []byte) ([]byte, error) {
	response, err := h.Invoke(ctx, name, payload)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	if err == nil && len(answer) > maxResponse {
		err = platformError("Function.ResponseSizeTooLarge",
			fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
	}
	return answer, err
}

// invokeEvent is an asynchronous invocation. Lambda would try again when the function fails; here
// its failure is only logged. As with Lambda, a throttled event is kept.
func (h *Host) invokeEvent(name string, payload []byte) {
	const retryAfter = 100 * time.Millisecond
	for {
		_, err := h.invokeBuffered(h.ctx, name, payload)
		if !errors.Is(err, ErrThrottled) {
			if err != nil {
				h.logf("%s event: %v", name, err)
			}
			return
		}
		select {
		case <-h.ctx.Done():
			return
		case <-time.After(retryAfter):
		}
	}
}

// functionName takes the bare name out of one of the forms that the Invoke API accepts: name,
// name:qualifier, account:function:name and ARNs. It returns "" for a version other than $LATEST,
// since there is none.
func functionName(s, qualifier string) string {
	if _, after, ok := strings.Cut(s, ":function:"); ok {
		s = after
	} else if after, ok := strings.CutPrefix(s, "function:"); ok {
		s = after
	}
	name, suffix, _ := strings.Cut(s, ":")
	if q := cmp.Or(suffix, qualifier, "$LATEST"); q != "$LATEST" {
		return ""
	}
	return name
}
