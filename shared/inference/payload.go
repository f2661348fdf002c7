package inference

import (
	"encoding/json"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
)

// ChatPath says where a bare payload of ChatFunction goes: messages make it a chat, input a response.
func ChatPath(payload []byte) (string, error) {
	object, err := parsePayload(payload)
	switch {
	case err != nil:
		return "", err
	case object.Get("messages") != nil:
		return "/v1/chat/completions", nil
	case object.Get("input") != nil:
		return "/v1/responses", nil
	}
	return "", openaierr.Invalid("messages", "missing_required_parameter",
		"The payload has neither 'messages', which makes it a chat completion, nor 'input', which makes it a response.")
}

// EmbeddingsPath says where a bare payload of EmbeddingsFunction goes.
func EmbeddingsPath(payload []byte) (string, error) {
	_, err := parsePayload(payload)
	return "/v1/embeddings", err
}

// parsePayload refuses a stream, which an invoker could not read.
func parsePayload(payload []byte) (*rawjson.Object, error) {
	object, err := rawjson.Parse(payload)
	if err != nil {
		return nil, openaierr.Invalid("", "invalid_json", "The payload is not a JSON object: %v.", err)
	}
	var stream bool
	if raw := object.Get("stream"); raw != nil && json.Unmarshal(raw, &stream) == nil && stream {
		return nil, openaierr.Invalid("stream", "unsupported_value",
			"An invocation's answer comes whole: leave 'stream' out, or call the HTTP API.")
	}
	return object, nil
}
