package stack_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/azure"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"aoai-bridge/infra/local/stack"
)

// TestSDK has OpenAI's Go library, unmodified, talk to the stack in both of its ways.
func TestSDK(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{})
	clients := map[string]openai.Client{
		"OpenAI": openai.NewClient(option.WithBaseURL(s.URL+"/v1"), option.WithAPIKey(stack.CallerKey), option.WithMaxRetries(0)),
		"AzureOpenAI": openai.NewClient(azure.WithEndpoint(s.URL, "2025-04-01-preview"), azure.WithAPIKey(stack.CallerKey),
			azure.WithUnsafeAllowHTTP(), option.WithMaxRetries(0)),
	}
	tests := map[string]func(*testing.T, openai.Client){
		"chat":       sdkChat,
		"stream":     sdkStream,
		"tools":      sdkTools,
		"parse":      sdkParse,
		"embeddings": sdkEmbeddings,
		"responses":  sdkResponses,
		"models":     sdkModels,
		"errors":     sdkErrors,
		"headers":    sdkHeaders,
	}
	for name, c := range clients {
		for what, test := range tests {
			t.Run(name+"/"+what, func(t *testing.T) { test(t, c) })
		}
	}
}

func chat(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: "gpt-4o-mini", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

func sdkChat(t *testing.T, c openai.Client) {
	answer, err := c.Chat.Completions.New(t.Context(), chat("Say grüß Gott"))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Choices[0].Message.Content; got != "grüß Gott" || answer.Usage.TotalTokens == 0 {
		t.Errorf("%s", answer.RawJSON())
	}
}

func sdkStream(t *testing.T, c openai.Client) {
	for _, usage := range []bool{false, true} {
		params := chat("Say one two three four")
		if usage {
			params.StreamOptions.IncludeUsage = openai.Bool(true)
		}
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var sum openai.ChatCompletionAccumulator
		chunks := 0
		for ; stream.Next(); chunks++ {
			sum.AddChunk(stream.Current())
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if sum.Choices[0].Message.Content != "one two three four" || chunks < 4 {
			t.Errorf("%d chunks: %+v", chunks, sum.Choices)
		}
		if (sum.Usage.TotalTokens > 0) != usage {
			t.Errorf("usage %+v, asked for: %v", sum.Usage, usage)
		}
	}
}

func sdkTools(t *testing.T, c openai.Client) {
	params := chat("What is the weather in Paris?")
	params.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "get_weather",
		Parameters: shared.FunctionParameters{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"},
		},
	})}
	answer, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	calls := answer.Choices[0].Message.ToolCalls
	if len(calls) != 1 || calls[0].Function.Arguments != `{"city":"Paris"}` {
		t.Fatalf("%s", answer.RawJSON())
	}
	params.Messages = append(params.Messages, answer.Choices[0].Message.ToParam(), openai.ToolMessage(`{"sky":"clear"}`, calls[0].ID))
	if answer, err = c.Chat.Completions.New(t.Context(), params); err != nil || answer.Choices[0].Message.Content != "According to get_weather: sky clear." {
		t.Errorf("%v %+v", err, answer)
	}
}

func sdkParse(t *testing.T, c openai.Client) {
	params := chat("Alice meets Bob on Friday.")
	params.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
		JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "event", Strict: openai.Bool(true), Schema: map[string]any{
			"type": "object", "additionalProperties": false, "required": []string{"day"},
			"properties": map[string]any{"day": map[string]any{"type": "string"}},
		}},
	}}
	answer, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil || answer.Choices[0].Message.Content != `{"day":"Friday"}` {
		t.Errorf("%v %+v", err, answer)
	}
}

func sdkEmbeddings(t *testing.T, c openai.Client) {
	for _, format := range []openai.EmbeddingNewParamsEncodingFormat{"", openai.EmbeddingNewParamsEncodingFormatFloat} {
		answer, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
			Model: "text-embedding-3-small", Dimensions: openai.Int(8), EncodingFormat: format,
			Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}},
		})
		if err != nil || len(answer.Data) != 2 || len(answer.Data[1].Embedding) != 8 {
			t.Errorf("%q: %v %+v", format, err, answer)
		}
	}
}

func sdkResponses(t *testing.T, c openai.Client) {
	params := responses.ResponseNewParams{Model: "gpt-4o-mini", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("Say hello there")}}
	answer, err := c.Responses.New(t.Context(), params)
	if err != nil || answer.OutputText() != "hello there" {
		t.Fatalf("%v %+v", err, answer)
	}
	if stored, err := c.Responses.Get(t.Context(), answer.ID, responses.ResponseGetParams{}); err != nil || stored.OutputText() != "hello there" {
		t.Errorf("retrieve: %v %+v", err, stored)
	}
	if items, err := c.Responses.InputItems.List(t.Context(), answer.ID, responses.InputItemListParams{}); err != nil || len(items.Data) != 1 {
		t.Errorf("input items: %v %+v", err, items)
	}
	if err := c.Responses.Delete(t.Context(), answer.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
	stream := c.Responses.NewStreaming(t.Context(), params)
	streamed := ""
	for stream.Next() {
		if e := stream.Current(); e.Type == "response.output_text.delta" {
			streamed += e.Delta
		}
	}
	if stream.Err() != nil || streamed != "hello there" {
		t.Errorf("streamed: %v %q", stream.Err(), streamed)
	}
}

func sdkModels(t *testing.T, c openai.Client) {
	page, err := c.Models.List(t.Context())
	if err != nil || len(page.Data) == 0 {
		t.Fatalf("%v %+v", err, page)
	}
	for _, m := range page.Data {
		if m.ID == "gpt-4o-mini-batch" {
			t.Error("a batch deployment is listed for online calls")
		}
	}
	if m, err := c.Models.Get(t.Context(), "gpt-4o-mini"); err != nil || m.ID != "gpt-4o-mini" || m.Object != "model" {
		t.Errorf("%v %+v", err, m)
	}
}

func sdkErrors(t *testing.T, c openai.Client) {
	params := chat("hello")
	params.Model = "nobody"
	var e *openai.Error
	if _, err := c.Chat.Completions.New(t.Context(), params); !errors.As(err, &e) || e.StatusCode != http.StatusNotFound || e.Code != "model_not_found" || e.Param != "model" {
		t.Errorf("unknown model: %v", err)
	}
	if _, err := c.Chat.Completions.New(t.Context(), chat("trigger-hate")); !errors.As(err, &e) || e.StatusCode != http.StatusBadRequest || e.Code != "content_filter" {
		t.Errorf("content filter: %v", err)
	}
	if _, err := c.Models.List(t.Context(), option.WithHeader("api-key", "sk-wrong")); !errors.As(err, &e) || e.StatusCode != http.StatusUnauthorized || e.Code != "invalid_api_key" {
		t.Errorf("wrong key: %v", err)
	}
	stream := c.Chat.Completions.NewStreaming(t.Context(), chat("Say a b c d e f [[fault: cut;after=3]]"))
	for stream.Next() {
	}
	if stream.Err() == nil {
		t.Error("a cut stream looks whole")
	}
}

func sdkHeaders(t *testing.T, c openai.Client) {
	var raw *http.Response
	if _, err := c.Chat.Completions.New(t.Context(), chat("hello"), option.WithResponseInto(&raw)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"X-Request-Id", "Apim-Request-Id", "X-Ratelimit-Remaining-Tokens", "X-Ms-Region", "Azureml-Model-Session"} {
		if raw.Header.Get(name) == "" {
			t.Errorf("no %s in %v", name, raw.Header)
		}
	}
}
