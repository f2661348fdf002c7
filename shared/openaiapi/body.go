package openaiapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// maxBody is the largest body that is read, in bytes. API Gateway takes 10 MB, and Lambda 6 MB of an event with all
// that is around the body, so that only another host can exceed it.
const maxBody = 32 << 20

// How much of a body its tree has.
const (
	Top   = false // the members of the object; what they hold is only checked
	Whole = true
)

// ReadObject reads a body that has to be a JSON object. members are those that the operation acts on: they may stand
// there once, and in no other case, since readers that do not mind the case would take such a member for the right
// one. The tree refers to the body's own bytes.
func (r *Request) ReadObject(whole bool, members ...string) (rawjson.Node, error) {
	body, err := r.readJSON()
	if err != nil {
		return rawjson.Node{}, err
	}
	if len(body) == 0 {
		return rawjson.Node{}, openaierr.Invalid("", "empty_body", "The request body is empty. Send a JSON object.")
	}
	parse := rawjson.ParseTop
	if whole {
		parse = rawjson.ParseTree
	}
	object, err := parse(body)
	if err == nil && object.Kind() != '{' {
		err = rawjson.ErrNotObject
	}
	if err != nil {
		return rawjson.Node{}, notObject(err)
	}
	return object, Exact(object, "", members...)
}

// Decode reads a body that has to be a JSON object into a struct, whose fields' json tags are the members' names. An
// empty body leaves the struct as it is.
func (r *Request) Decode(into any) error {
	body, err := r.readJSON()
	if err != nil || len(body) == 0 {
		return err
	}
	object, err := rawjson.ParseTree(body)
	if err == nil && object.Kind() != '{' {
		err = rawjson.ErrNotObject
	}
	if err != nil {
		return notObject(err)
	}
	if err := exactFields(object, reflect.TypeOf(into).Elem(), ""); err != nil {
		return err
	}
	err = json.Unmarshal(body, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return openaierr.Invalid(wrong.Field, "invalid_type", "Invalid type for '%s': it cannot be %s.", wrong.Field, wrong.Value)
	}
	if err != nil {
		return notObject(err)
	}
	return nil
}

func notObject(err error) error {
	return openaierr.Invalid("", "invalid_json", "The request body is not a JSON object: %v.", err)
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// readJSON returns the body of a request that says it is JSON, or says nothing.
func (r *Request) readJSON() ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, unsupportedHeader("Content-Encoding", "unsupported_content_encoding", encoding, "a body that is not compressed")
	}
	if content := r.Header.Get("Content-Type"); content != "" {
		kind, _, err := mime.ParseMediaType(content)
		if err != nil || kind != "application/json" {
			return nil, UnsupportedType(content, "application/json")
		}
	}
	body, err := r.readAll()
	return bytes.TrimPrefix(body, byteOrderMark), err
}

// readAll returns the whole body. A body that is in memory already is not copied.
func (r *Request) readAll() ([]byte, error) {
	inMemory, ok := r.Body.(interface{ Bytes() []byte })
	if ok {
		return inMemory.Bytes(), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &openaierr.Error{
			Status: http.StatusRequestEntityTooLarge, Type: openaierr.TypeInvalidRequest, Code: "request_too_large",
			Message: fmt.Sprintf("The request body is larger than %d bytes. Send less.", tooLarge.Limit),
		}
	}
	if err != nil || int64(len(body)) < r.ContentLength {
		return nil, openaierr.Invalid("", "invalid_body", "The request body could not be read to its end.")
	}
	return body, nil
}

// UnsupportedType is the 415 for a Content-Type, which says what to send.
func UnsupportedType(content, want string) error {
	return unsupportedHeader("Content-Type", "unsupported_content_type", content, want)
}

func unsupportedHeader(header, code, value, want string) error {
	return &openaierr.Error{
		Status: http.StatusUnsupportedMediaType, Type: openaierr.TypeInvalidRequest, Param: header, Code: code,
		Message: fmt.Sprintf("Unsupported %s header: %.100q. Send %s.", header, value, want),
	}
}

// Exact refuses members of an object that stand there more than once, or in another case than names have. prefix is
// where the object stands, with a dot at its end.
func Exact(object rawjson.Node, prefix string, names ...string) error {
	if name := object.Repeated(names...); name != "" {
		return openaierr.Invalid(prefix+name, "duplicate_parameter", "'%s%s' is given more than once. Give it once.", prefix, name)
	}
	if got, want := object.Misspelt(names...); got != "" {
		return openaierr.Invalid(prefix+got, "unknown_parameter", "Unknown parameter: '%s%s'. Write it as '%[1]s%[3]s'.", prefix, got, want)
	}
	return nil
}

// exactFields is Exact for the fields of a struct, and of the structs in it.
func exactFields(object rawjson.Node, t reflect.Type, prefix string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("json")
	}
	if err := Exact(object, prefix, names...); err != nil {
		return err
	}
	for i, name := range names {
		if err := exactFields(object.Get(name), t.Field(i).Type, prefix+name+"."); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSON answers 200 with a value, which must marshal.
func WriteJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a caller that is gone needs no answer
	return nil
}

// InvalidType is the 400 for a value of the wrong type: want is "a string" and so on.
func InvalidType(param, want string, got rawjson.Node) error {
	return openaierr.Invalid(param, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", param, want, got.TypeName())
}

// Missing is the 400 for a parameter that is not there. advice may be empty.
func Missing(param, advice string) error {
	if advice != "" {
		advice = " " + advice
	}
	return openaierr.Invalid(param, "missing_required_parameter", "Missing required parameter: '%s'.%s", param, advice)
}
