package resourcemanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// An Error is an answer of Resource Manager, {"error":{"code","message","details"}}. It is the innermost error where there
// are details, which is the one that says something.
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("Azure answered with status %d", e.Status)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

type errorBody struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Details []errorBody `json:"details"`
}

func newError(resp *http.Response) *Error {
	e := &Error{Status: resp.StatusCode}
	raw, err := runtime.Payload(resp)
	if err != nil {
		return e
	}
	var body struct {
		Error errorBody `json:"error"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return e
	}
	inner := body.Error
	for len(inner.Details) > 0 && inner.Details[0].Code != "" {
		inner = inner.Details[0]
	}
	e.Code, e.Message = inner.Code, inner.Message
	return e
}

// fromSDK makes an Error of the SDK's own.
func fromSDK(err error) error {
	var failed *azcore.ResponseError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		return newError(failed.RawResponse)
	}
	return err
}

// IsNotFound reports whether Azure says that there is no such resource.
func IsNotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// isBusy reports whether a change was refused because another of the same account is under way. The second code is what
// Azure says of an account that is being made.
func isBusy(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusConflict && (e.Code == "RequestConflict" || e.Code == "AccountProvisioningStateInvalid")
}
