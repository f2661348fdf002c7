package azureopenai

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// clients are the two ways in which OpenAI's library reaches Azure.
func clients(url string) map[string]openai.Client {
	return map[string]openai.Client{
		"v1":    openai.NewClient(option.WithBaseURL(url+"/openai/v1"), option.WithAPIKey("k"), option.WithMaxRetries(0)),
		"azure": openai.NewClient(azure.WithEndpoint(url, "2025-04-01-preview"), azure.WithAPIKey("k"), azure.WithUnsafeAllowHTTP(), option.WithMaxRetries(0)),
	}
}

func eachClient(t *testing.T, test func(*testing.T, openai.Client)) {
	_, url := start(t, nil)
	for name, c := range clients(url) {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

var weather = openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
	Name: "get_weather",
	Parameters: shared.FunctionParameters{
		"type":       "object",
		"properties": map[string]any{"city": map[string]any{"type": "string"}, "unit": map[string]any{"type": "string", "enum": []string{"celsius", "fahrenheit"}}},
		"required":   []string{"city", "unit"},
	},
})

func TestClientChat(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		params := openai.ChatCompletionNewParams{Model: "gpt-4o", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Say hello, world")}}
		whole, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if got := whole.Choices[0].Message.Content; got != "hello, world" {
			t.Errorf("whole: %q", got)
		}
		params.StreamOptions.IncludeUsage = openai.Bool(true)
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var sum openai.ChatCompletionAccumulator
		for stream.Next() {
			sum.AddChunk(stream.Current())
		}
		if stream.Err() != nil || sum.Choices[0].Message.Content != "hello, world" || sum.Usage.TotalTokens != whole.Usage.TotalTokens {
			t.Errorf("streamed: %v %+v", stream.Err(), sum.ChatCompletion)
		}
	})
}

func TestClientTools(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		params := openai.ChatCompletionNewParams{Model: "gpt-4o", Tools: []openai.ChatCompletionToolUnionParam{weather},
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is the weather in Paris, in fahrenheit?")}}
		asked, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		calls := asked.Choices[0].Message.ToolCalls
		const want = `{"city":"Paris","unit":"fahrenheit"}`
		if asked.Choices[0].FinishReason != "tool_calls" || len(calls) != 1 || calls[0].Function.Arguments != want {
			t.Fatalf("%s", asked.RawJSON())
		}
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var sum openai.ChatCompletionAccumulator
		for stream.Next() {
			sum.AddChunk(stream.Current())
		}
		if stream.Err() != nil || sum.Choices[0].Message.ToolCalls[0].Function.Arguments != want || sum.Choices[0].FinishReason != "tool_calls" {
			t.Errorf("streamed: %v %+v", stream.Err(), sum.Choices[0])
		}
		params.Messages = append(params.Messages, asked.Choices[0].Message.ToParam(), openai.ToolMessage(`{"temperature":72,"sky":"clear"}`, calls[0].ID))
		told, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil || told.Choices[0].Message.Content != "According to get_weather: temperature 72, sky clear." {
			t.Errorf("%v %+v", err, told)
		}
	})
}

func TestClientSchema(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		schema := map[string]any{
			"type": "object", "additionalProperties": false, "required": []string{"name", "day", "participants"},
			"properties": map[string]any{"name": map[string]any{"type": "string"}, "day": map[string]any{"type": "string"},
				"participants": map[string]any{"type": "array", "items": map[string]any{"type": "string"}}},
		}
		answer, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-4o",
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Alice and Bob go to a science fair on Friday.")},
			ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
				JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "event", Schema: schema, Strict: openai.Bool(true)}}}})
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			Name, Day    string
			Participants []string
		}
		if err := json.Unmarshal([]byte(answer.Choices[0].Message.Content), &event); err != nil || event.Day != "Friday" || len(event.Participants) != 2 {
			t.Errorf("%v: %s", err, answer.Choices[0].Message.Content)
		}
	})
}

func TestClientEmbeddings(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		e, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "text-embedding-3-large", Dimensions: openai.Int(32),
			Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}}})
		if err != nil || len(e.Data) != 2 || len(e.Data[1].Embedding) != 32 || e.Data[1].Index != 1 {
			t.Errorf("%v %+v", err, e)
		}
	})
}

func TestClientResponses(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		params := responses.ResponseNewParams{Model: "gpt-5.4-mini", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Say hello there")}}
		whole, err := c.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		if whole.OutputText() != "hello there" {
			t.Errorf("whole: %s", whole.RawJSON())
		}
		stored, err := c.Responses.Get(t.Context(), whole.ID, responses.ResponseGetParams{})
		if err != nil || stored.OutputText() != "hello there" {
			t.Errorf("stored: %v", err)
		}
		if err := c.Responses.Delete(t.Context(), whole.ID); err != nil {
			t.Error(err)
		}
		stream := c.Responses.NewStreaming(t.Context(), params)
		var text string
		var done bool
		for stream.Next() {
			e := stream.Current()
			if e.Type == "response.output_text.delta" {
				text += e.Delta
			}
			done = e.Type == "response.completed" && e.Response.OutputText() == text
		}
		if stream.Err() != nil || text != "hello there" || !done {
			t.Errorf("streamed: %v %q %v", stream.Err(), text, done)
		}
	})
}

func TestClientResponseTools(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		tools := []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{Name: "get_weather", Parameters: map[string]any{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}}}}
		asked, err := c.Responses.New(t.Context(), responses.ResponseNewParams{Model: "gpt-4o", Tools: tools,
			Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("The weather in Oslo?")}})
		if err != nil {
			t.Fatal(err)
		}
		call := asked.Output[0]
		if call.Type != "function_call" || call.AsFunctionCall().Arguments != `{"city":"Oslo"}` {
			t.Fatalf("%s", asked.RawJSON())
		}
		output := responses.ResponseInputItemParamOfFunctionCallOutput("5 degrees")
		output.OfFunctionCallOutput.CallID = openai.String(call.CallID)
		told, err := c.Responses.New(t.Context(), responses.ResponseNewParams{Model: "gpt-4o", PreviousResponseID: openai.String(asked.ID),
			Input: responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{output}}})
		if err != nil || told.OutputText() != "According to get_weather: 5 degrees." {
			t.Errorf("%v %+v", err, told)
		}
	})
}

func TestClientModels(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		page, err := c.Models.List(t.Context())
		if err != nil || len(page.Data) != 20 { // ten models, each with and without its version
			t.Fatalf("%v %+v", err, page)
		}
		m, err := c.Models.Get(t.Context(), "gpt-5.4-mini")
		if err != nil || m.ID != "gpt-5.4-mini" {
			t.Errorf("%v %+v", err, m)
		}
	})
}

func TestClientErrors(t *testing.T) {
	eachClient(t, func(t *testing.T, c openai.Client) {
		_, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{Model: "nobody", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("x")}})
		var e *openai.Error
		if !errors.As(err, &e) || e.StatusCode != http.StatusNotFound || e.Code != "DeploymentNotFound" {
			t.Errorf("%v", err)
		}
		stream := c.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{Model: "gpt-4o",
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("x [[fault: error-event]]")}})
		for stream.Next() {
		}
		if stream.Err() == nil || !strings.Contains(stream.Err().Error(), "server had an error") {
			t.Errorf("%v", stream.Err())
		}
	})
}
