package azureopenai

import (
	"net/http"
	"strconv"
)

// streamChat sends a chat completion in the order of events that Azure was seen to send.
func (x *exchange) streamChat(answers []completion, u usage, o streamOptions) error {
	s := newChatStream(x, o)
	x.openStream(http.StatusOK)
	if err := x.event([]byte(`data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":` + promptResults + "}\n\n")); err != nil {
		return err
	}
	for i := range answers {
		if err := s.choice(i, &answers[i]); err != nil {
			return err
		}
	}
	if o.IncludeUsage {
		if err := x.event([]byte(`data: {"choices":[],` + s.meta + `,"latency_checkpoint":{"engine_tbt_ms":0,"engine_ttft_ms":0,"engine_ttlt_ms":0,"pre_inference_ms":0,"service_tbt_ms":0,"service_ttft_ms":0,"service_ttlt_ms":0,"total_duration_ms":0,"user_visible_ttft_ms":0},"usage":` +
			string(encode(u)) + "}\n\n")); err != nil {
			return err
		}
	}
	return x.lastEvent([]byte("data: [DONE]\n\n"))
}

// chatStream writes chunks by hand, since all but a few bytes of them are alike.
type chatStream struct {
	x         *exchange
	meta      string // what every chunk says of the whole answer
	usage     string // that usage is to come
	obfuscate bool
	chunks    int
	buffer    []byte
}

func newChatStream(x *exchange, o streamOptions) *chatStream {
	s := &chatStream{x: x, obfuscate: o.IncludeObfuscation == nil || *o.IncludeObfuscation}
	s.meta = `"created":` + strconv.FormatInt(x.start.Unix(), 10) + `,"id":` + quote(x.server.id("chatcmpl-", 29)) +
		`,"model":` + quote(x.deployment.servedModel()) + `,"object":"chat.completion.chunk","service_tier":"default","system_fingerprint":null`
	if o.IncludeUsage { // whether Azure says so without the option is unverified; OpenAI does not
		s.usage = `,"usage":null`
	}
	return s
}

const textResults = `{"protected_material_text":{"detected":false,"filtered":false}}`

// choice sends one choice: its role, its content or calls, its end.
func (s *chatStream) choice(index int, c *completion) error {
	content := `""`
	if c.calls != nil {
		content = "null"
	}
	if err := s.chunk(index, "{}", `{"content":`+content+`,"refusal":null,"role":"assistant"}`, ""); err != nil {
		return err
	}
	for text := c.text; text != ""; {
		n := nextToken(text)
		if err := s.chunk(index, textResults, `{"content":`+quote(text[:n])+`}`, ""); err != nil {
			return err
		}
		text = text[n:]
	}
	for i, call := range c.calls {
		if err := s.call(index, i, call); err != nil {
			return err
		}
	}
	results := "{}"
	if c.filtered != "" {
		results = filterResults(safeCompletion, c.filtered)
	}
	return s.chunk(index, results, "{}", c.finish)
}

func (s *chatStream) call(index, i int, c call) error {
	begin := `{"tool_calls":[{"function":{"arguments":"","name":` + quote(c.name) + `},"id":` + quote(c.id) + `,"index":` + itoa(i) + `,"type":"function"}]}`
	if err := s.chunk(index, "{}", begin, ""); err != nil {
		return err
	}
	for rest := c.arguments; rest != ""; {
		n := nextToken(rest)
		delta := `{"tool_calls":[{"function":{"arguments":` + quote(rest[:n]) + `},"index":` + itoa(i) + `}]}`
		if err := s.chunk(index, "{}", delta, ""); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (s *chatStream) chunk(index int, results, delta, finish string) error {
	b := append(s.buffer[:0], `data: {"choices":[{"content_filter_results":`...)
	b = append(b, results...)
	b = append(b, `,"delta":`...)
	b = append(b, delta...)
	b = append(b, `,"finish_reason":`...)
	b = append(b, quoteOrNull(finish)...)
	b = append(b, `,"index":`...)
	b = strconv.AppendInt(b, int64(index), 10)
	b = append(b, `,"logprobs":null}],`...)
	b = append(b, s.meta...)
	if s.obfuscate { // letters that hide how long the content is
		const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
		from := s.chunks * 5 % len(letters)
		b = append(b, `,"obfuscation":"`...)
		b = append(b, letters[from:min(len(letters), from+1+s.chunks%9)]...)
		b = append(b, '"')
	}
	b = append(b, s.usage...)
	b = append(b, "}\n\n"...)
	s.buffer = b
	s.chunks++
	return s.x.event(b)
}
