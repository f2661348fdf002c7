package azureopenai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
)

type embedded struct {
	Data []struct {
		Index     int
		Embedding json.RawMessage
	}
	Usage struct {
		PromptTokens int `json:"prompt_tokens"`
	}
}

func embed(t *testing.T, url, body string) (vectors [][]float32, tokens int) {
	t.Helper()
	resp, text := do(t, "POST", url+"/openai/v1/embeddings", body)
	var e embedded
	if err := json.Unmarshal([]byte(text), &e); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	for _, d := range e.Data {
		var v []float32
		var encoded []byte
		if d.Embedding[0] == '"' {
			if err := json.Unmarshal(d.Embedding, &encoded); err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(encoded); i += 4 {
				v = append(v, math.Float32frombits(binary.LittleEndian.Uint32(encoded[i:])))
			}
		} else if err := json.Unmarshal(d.Embedding, &v); err != nil {
			t.Fatal(err)
		}
		vectors = append(vectors, v)
	}
	return vectors, e.Usage.PromptTokens
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestEmbeddingForms(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		name, body    string
		n, dimensions int
	}{
		{"string", `{"model":"text-embedding-3-small","input":"a cat"}`, 1, 1536},
		{"large", `{"model":"text-embedding-3-large","input":"a cat"}`, 1, 3072},
		{"strings", `{"model":"text-embedding-ada-002","input":["a cat","a dog"]}`, 2, 1536},
		{"ids", `{"model":"text-embedding-3-small","input":[1,2,3]}`, 1, 1536},
		{"lists of ids", `{"model":"text-embedding-3-small","input":[[1,2],[3]],"dimensions":64}`, 2, 64},
		{"base64", `{"model":"text-embedding-3-small","input":"a cat","encoding_format":"base64","dimensions":256}`, 1, 256},
		{"emoji alone", `{"model":"text-embedding-3-small","input":"🙂","dimensions":1}`, 1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vectors, tokens := embed(t, url, tt.body)
			if len(vectors) != tt.n || tokens == 0 {
				t.Fatalf("%d vectors, %d tokens", len(vectors), tokens)
			}
			for _, v := range vectors {
				if len(v) != tt.dimensions || math.Abs(dot(v, v)-1) > 1e-5 {
					t.Errorf("%d dimensions, length %f", len(v), dot(v, v))
				}
			}
		})
	}
	floats, _ := embed(t, url, `{"model":"text-embedding-3-small","input":"same"}`)
	binary, _ := embed(t, url, `{"model":"text-embedding-3-small","input":"same","encoding_format":"base64"}`)
	for i := range floats[0] {
		if floats[0][i] != binary[0][i] {
			t.Fatalf("dimension %d: %v as a float, %v in base64", i, floats[0][i], binary[0][i])
		}
	}
}

func TestNearTextsHaveNearVectors(t *testing.T) {
	tests := []struct{ query, near, far string }{
		{"How do I get my money back?", "Refunds are paid within 14 days of your request.", "Our office is open on weekdays from nine to five."},
		{"The cat sat on the mat", "A kitten is sitting on a mat", "Quarterly revenue grew by eight percent"},
		{"reset password", "How to change a forgotten password", "Parcels are shipped on the same day"},
		{"machine learning models", "training a machine-learning model", "recipes for apple pie"},
	}
	for _, dimensions := range []int{1536, 256} {
		for _, tt := range tests {
			vector := func(text string) []float32 { return (&input{text: text}).vector(1536, dimensions) }
			near, far := dot(vector(tt.query), vector(tt.near)), dot(vector(tt.query), vector(tt.far))
			t.Logf("%d: %q near %.2f far %.2f", dimensions, tt.query, near, far)
			if near < far+0.15 {
				t.Errorf("%q with %d dimensions: %.2f to %q, %.2f to %q", tt.query, dimensions, near, tt.near, far, tt.far)
			}
		}
	}
}

func TestBase64IsStandard(t *testing.T) {
	got := appendVector(nil, []float32{1, -2}, true)
	if want := `"` + base64.StdEncoding.EncodeToString([]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}) + `"`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
