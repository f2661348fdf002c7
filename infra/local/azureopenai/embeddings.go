package azureopenai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
)

type embeddingsRequest struct {
	Input          json.RawMessage `json:"input"`
	EncodingFormat string          `json:"encoding_format"`
	Dimensions     *int            `json:"dimensions"`
}

// maxInputs is how many texts one request may have.
const maxInputs = 2048

// embeddings answers POST embeddings.
func (x *exchange) embeddings() error {
	var q embeddingsRequest
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	m := x.deployment.model
	dimensions, err := q.dimensions(m)
	if err != nil {
		return err
	}
	inputs, err := readInputs(q.Input)
	if err != nil {
		return err
	}
	tokens := 0
	for _, in := range inputs {
		if in.tokens > m.context { // unverified on Azure
			return invalid("", "", "This model's maximum context length is %d tokens, however you requested %d tokens (%d in your prompt; 0 for the completion). Please reduce your prompt; or completion length.", m.context, in.tokens, in.tokens)
		}
		tokens += in.tokens
	}
	if err := x.countAgainstRate(tokens); err != nil {
		return err
	}
	asBase64 := q.EncodingFormat == "base64"
	b := []byte(`{"object":"list","data":[`)
	for i, in := range inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		b = appendVector(b, in.vector(m.dimensions, dimensions), asBase64)
		b = append(b, '}')
	}
	b = append(b, `],"model":`+quote(x.deployment.Model)+`,"usage":{"prompt_tokens":`+itoa(tokens)+`,"total_tokens":`+itoa(tokens)+`}}`...)
	return x.sendJSON(http.StatusOK, b)
}

// dimensions also checks encoding_format. All wordings are OpenAI's, on Azure unverified.
func (q *embeddingsRequest) dimensions(m model) (int, error) {
	switch d := q.Dimensions; {
	case q.EncodingFormat != "" && q.EncodingFormat != "float" && q.EncodingFormat != "base64":
		return 0, invalid("encoding_format", "", "Invalid value for 'encoding_format' = %s. Please use 'float' or 'base64'.", q.EncodingFormat)
	case d == nil:
		return m.dimensions, nil
	case !m.choosesDimensions:
		return 0, invalid("", "", "This model does not support specifying dimensions.")
	case *d < 1:
		return 0, tooSmall("dimensions", *d)
	case *d > m.dimensions:
		return 0, invalid("", "", "Invalid value for 'dimensions' = %d. Must be less than or equal to %d.", *d, m.dimensions)
	default:
		return *d, nil
	}
}

func appendVector(b []byte, v []float32, asBase64 bool) []byte {
	if asBase64 {
		raw := make([]byte, 0, 4*len(v))
		for _, f := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
		}
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, raw)
		return append(b, '"')
	}
	b = append(b, '[')
	for i, f := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(f), 'g', -1, 32)
	}
	return append(b, ']')
}

// input is one text to embed, or its token ids.
type input struct {
	text   string
	ids    []int
	tokens int
}

// readInputs reads a string, an array of strings, of token ids, or of arrays of ids.
func readInputs(raw json.RawMessage) ([]input, error) {
	refused := invalid("", "", "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.") // unverified on Azure
	if len(raw) == 0 || string(raw) == "null" {
		return nil, invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	var text string
	var texts []string
	var ids []int
	var lists [][]int
	var inputs []input
	switch {
	case json.Unmarshal(raw, &text) == nil:
		texts = []string{text}
	case json.Unmarshal(raw, &texts) == nil:
	case json.Unmarshal(raw, &ids) == nil:
		texts, lists = nil, [][]int{ids}
	case json.Unmarshal(raw, &lists) == nil:
		texts = nil
	default:
		return nil, refused
	}
	for _, t := range texts {
		if t == "" {
			return nil, refused
		}
		inputs = append(inputs, input{text: t, tokens: countTokens(t)})
	}
	for _, l := range lists {
		if len(l) == 0 {
			return nil, refused
		}
		inputs = append(inputs, input{ids: l, tokens: len(l)})
	}
	switch {
	case len(inputs) == 0:
		return nil, refused
	case len(inputs) > maxInputs:
		return nil, tooMany("input", maxInputs, len(inputs))
	}
	return inputs, nil
}
