package resourcemanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

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

// busy are the codes of changes that were refused because of another one, or because one has not reached all of Azure. The
// second is what Azure says of an account that is being made, the last of an identity that was made just now.
var busy = []string{
	"RequestConflict", "AccountProvisioningStateInvalid", "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity", "PrincipalNotFound",
}

// isBusy reports whether a change may succeed a little later.
func isBusy(err error) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains(busy, e.Code)
}
