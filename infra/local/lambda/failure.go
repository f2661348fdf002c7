package lambda

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"
)

// A FunctionError is a function's failure: its own, or its runtime's as Lambda words it.
type FunctionError struct {
	Type    string // "Runtime.ExitError", "Sandbox.Timedout", or the function's own
	Message string
	Payload []byte // JSON as the caller gets it: {"errorType","errorMessage",...}
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// platformError is a failure that the function could not report itself.
func platformError(errorType, message string) *FunctionError {
	payload, _ := json.Marshal(struct { // two strings always marshal
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, message})
	return &FunctionError{Type: errorType, Message: message, Payload: payload}
}

func timeoutError(requestID string, after time.Duration) *FunctionError {
	return platformError("Sandbox.Timedout",
		fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", requestID, after.Seconds()))
}

// exitError is the failure of an invocation whose bootstrap ended in state.
func exitError(requestID string, state *os.ProcessState) *FunctionError {
	reason := "Runtime exited without providing a reason"
	if !state.Success() {
		reason = "Runtime exited with error: " + state.String()
	}
	return platformError("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", requestID, reason))
}

func startError(requestID string, err error) *FunctionError {
	return platformError("Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: %v", requestID, err))
}

// truncatedError is the failure of an answer that broke off though its bootstrap lives.
func truncatedError(requestID string) *FunctionError {
	return platformError("Runtime.TruncatedResponse", fmt.Sprintf("RequestId: %s Error: Response was truncated", requestID))
}

// reportedError is a failure as a runtime reports it: JSON that should name type and message.
func reportedError(errorType string, payload []byte) *FunctionError {
	var body struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &body) != nil {
		return platformError(cmp.Or(errorType, "Runtime.Unknown"), string(payload))
	}
	return &FunctionError{Type: cmp.Or(body.Type, errorType, "Runtime.Unknown"), Message: body.Message, Payload: payload}
}

const (
	headerErrorType = "Lambda-Runtime-Function-Error-Type"
	headerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

// trailerError is the failure that the trailers of a streamed answer report, or nil.
func trailerError(trailer http.Header) *FunctionError {
	errorType, body := trailer.Get(headerErrorType), trailer.Get(headerErrorBody)
	if errorType == "" && body == "" {
		return nil
	}
	payload, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		payload = []byte(body)
	}
	return reportedError(errorType, payload)
}
