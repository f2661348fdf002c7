// Package estimate counts the tokens of a request before it is sent, part by part, and says how sure each number is.
// It sends nothing, fetches nothing, and does not know who asks.
package estimate

import (
	"slices"
	"strconv"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/tokens"
)

// Basis says how sure a number is.
type Basis string

const (
	Exact      Basis = "exact"       // the tokens of a text, by the model's own vocabulary
	Documented Basis = "documented"  // by a rule that a provider states, or that its reported usage bears out
	Estimated  Basis = "estimated"   // by a rule that is likely, but not stated for this model
	NotCounted Basis = "not_counted" // no rule is known; the part is left out of every sum
)

// Part is the count of one part of a request.
type Part struct {
	Part   string   `json:"part"` // "messages", "tools", "images" and so on
	Tokens int      `json:"tokens"`
	Min    *int     `json:"min_tokens,omitempty"` // where the number is a range, its lower end; Tokens is the upper
	Count  int      `json:"count"`                // how many messages, tools, images ...
	Basis  Basis    `json:"basis"`
	Notes  []string `json:"notes,omitempty"`
}

// Kind is the kind of a request, named as telemetry has it.
type Kind string

const (
	Chat       Kind = "chat.completions"
	Responses  Kind = "responses"
	Embeddings Kind = "embeddings"
	Text       Kind = "text"
)

// Count is the count of a request's input.
type Count struct {
	Kind   Kind
	Parts  []Part
	Tokens int   // the upper end, where an image's size is not known
	Min    int   // the lower end
	Basis  Basis // that of the least sure part that is counted
	Inputs int   // of embeddings: how many
	Most   int   // of embeddings: the tokens of the longest input
	Texts  []TextPart

	Missing    []string // the parts that are not counted
	Unbounded  string   // why nothing bounds them; "" if something does, see AtMost
	Unpriced   string   // why the catalog has no price of a part; "" if it has
	MoreOutput int      // tokens of output that may be paid beside the answer's

	open bool // what is left of the context window may be input that is not counted
}

// TextPart is a text of a request, for those who want to see its tokens.
type TextPart struct {
	Param string
	Text  string
}

// Rules are what a request is counted by.
type Rules struct {
	Encoding *tokens.Encoding
	Model    *catalog.Named    // nil: no model, only text in an encoding
	Images   *catalog.Images   // nil: no rule is known
	Any      []*catalog.Images // where Images is nil: rules of which one may hold, so that an image has a range
	Sizes    []Size            // of the images whose size the request does not show, in their order
	Texts    bool              // keep the texts
	Memo     *Memo             // nil: every text is counted again
}

// RulesFor returns the rules of a model, by its own encoding or, where that is not nil, by another.
func RulesFor(c *catalog.Catalog, n catalog.Named, encoding *tokens.Encoding) (Rules, error) {
	r := Rules{Encoding: encoding, Model: &n, Images: c.Images(n.Name)}
	if encoding != nil {
		return r, nil
	}
	if n.Encoding == nil {
		return r, openaierr.Invalid("estimate.encoding", "missing_required_parameter",
			"No source says which encoding %s uses (%s). Give 'estimate.encoding', for example \"o200k_base\".", n.Name, n.EncodingNote)
	}
	var err error
	r.Encoding, err = tokens.Lookup(*n.Encoding)
	return r, err
}

// KindOf returns the kind of request that a body is. model is "embeddings" or "chat", and "" where none is known.
func KindOf(body rawjson.Node, model string) (Kind, error) {
	if body.Kind() != '{' {
		return "", openaierr.Invalid("", "invalid_json", "The request body is not a JSON object.")
	}
	input := body.Get("input")
	switch {
	case !body.Get("messages").Absent():
		return Chat, nil
	case model == "embeddings" && !input.Absent():
		return Embeddings, nil
	case model == "" && input.Kind() == '[' && !hasObjects(input):
		return Embeddings, nil
	case !input.Absent(), !body.Get("instructions").Absent(), !body.Get("prompt").Absent() && model != "":
		return Responses, nil
	case !body.Get("text").Absent():
		return Text, nil
	}
	return "", openaierr.Invalid("messages", "missing_required_parameter",
		"The body has none of 'messages' (a chat completion), 'input' (a response or embeddings) and 'text', so there is nothing to count.")
}

func hasObjects(array rawjson.Node) bool {
	for v := range array.Elements() {
		if v.Kind() == '{' {
			return true
		}
	}
	return false
}

// Of counts a request. Errors are about the parameter at fault.
func Of(kind Kind, body rawjson.Node, r Rules) (*Count, error) {
	if err := serves(r.Model, kind); err != nil {
		return nil, err
	}
	c := &counter{Rules: r, overhead: overheadOf(r.Model), count: Count{Kind: kind}}
	var err error
	switch kind {
	case Chat:
		err = c.chat(body)
	case Responses:
		err = c.responses(body)
	case Embeddings:
		err = c.embeddings(body.Get("input"))
	case Text:
		err = c.text(body.Get("text"))
	}
	if err != nil {
		return nil, err
	}
	return c.sum(), nil
}

// operations are Azure's names of what is asked of a model.
var operations = map[Kind]string{Chat: "chatCompletion", Responses: "responses", Embeddings: "embeddings"}

// serves returns an error, as Azure does, where a model has no such operation.
func serves(n *catalog.Named, kind Kind) error {
	operation := operations[kind]
	if n == nil || operation == "" || n.Kind == "" || (n.Kind == "embeddings") == (kind == Embeddings) {
		return nil
	}
	remedy := "a model for text: GET /v1/models lists those there are"
	if kind == Embeddings {
		remedy = "a model for embeddings, such as text-embedding-3-small"
	}
	return openaierr.Invalid("model", "OperationNotSupported",
		"The %s operation does not work with the specified model, %s. Please choose different model and try again: %s.", operation, n.Name, remedy)
}

// counter counts one request.
type counter struct {
	Rules
	overhead  overhead
	harmony   *harmony // nil: the model reads another format
	count     Count
	sizesUsed int      // how many of Sizes are used
	parallel  bool     // the tool messages at hand answer calls that were made side by side
	system    bool     // the message at hand is the system's
	waiting   callList // of a response, since its last message or result
}

// maxNotes is how many notes a part keeps, however many of its pieces have one.
const maxNotes = 5

// add adds to a part. A part is as sure as its least sure piece.
func (c *counter) add(part string, n int, basis Basis, note string) {
	c.addRange(part, n, n, 1, basis, note)
}

func (c *counter) addRange(part string, least, most, count int, basis Basis, note string) {
	i := slices.IndexFunc(c.count.Parts, func(p Part) bool { return p.Part == part })
	if i < 0 {
		i = len(c.count.Parts)
		c.count.Parts = append(c.count.Parts, Part{Part: part, Basis: basis})
	}
	p := &c.count.Parts[i]
	if p.Min != nil || least != most {
		lower := p.Tokens + least
		if p.Min != nil {
			lower = *p.Min + least
		}
		p.Min = &lower
	}
	p.Tokens += most
	p.Count += count
	if weaker(basis, p.Basis) {
		p.Basis = basis
	}
	if note != "" && len(p.Notes) < maxNotes && !slices.Contains(p.Notes, note) {
		p.Notes = append(p.Notes, note)
	}
}

// Has reports whether a request has such a part.
func (t *Count) Has(part string) bool {
	return slices.ContainsFunc(t.Parts, func(p Part) bool { return p.Part == part })
}

// Weaker returns the less sure of two bases; "" is surer than any.
func Weaker(a, b Basis) Basis {
	if weaker(a, b) {
		return a
	}
	return b
}

func weaker(a, b Basis) bool { return sureness(a) > sureness(b) }

func sureness(b Basis) int { return slices.Index([]Basis{Exact, Documented, Estimated, NotCounted}, b) }

func (c *counter) sum() *Count {
	t := &c.count
	t.Basis = Exact
	for _, p := range t.Parts {
		t.Tokens += p.Tokens
		if p.Min != nil {
			t.Min += *p.Min
		} else {
			t.Min += p.Tokens
		}
		if p.Basis == NotCounted {
			t.Missing = append(t.Missing, p.Part)
		} else if weaker(p.Basis, t.Basis) {
			t.Basis = p.Basis
		}
	}
	return t
}

// countText counts a text and keeps it for those who want to see it.
func (c *counter) countText(text, param string) int {
	c.keepText(text, param)
	return c.Encoding.Count(text)
}

func (c *counter) keepText(text, param string) {
	if c.Texts && text != "" {
		c.count.Texts = append(c.count.Texts, TextPart{param, text})
	}
}

func (c *counter) text(text rawjson.Node) error {
	if text.Kind() != '"' {
		return wrongType("text", "a string", text)
	}
	c.add("text", c.countText(text.Text(), "text"), Exact, "")
	return nil
}

func wrongType(param, want string, got rawjson.Node) error {
	if got.Kind() == 0 {
		return openaierr.Invalid(param, "missing_required_parameter", "Missing required parameter: '%s'.", param)
	}
	described := got.TypeName()
	if got.Kind() == '0' {
		described = excerpt(got.Raw()) // it may be a number that is too large, or not an integer
	}
	return openaierr.Invalid(param, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", param, want, described)
}

// checkObjects checks that a value is an array without numbers, which are no Nodes. The caller checks the elements.
func checkObjects(param string, array rawjson.Node) error {
	if array.Kind() != '[' {
		return wrongType(param, "an array", array)
	}
	if array.Numbers() > 0 {
		return openaierr.Invalid(param, "invalid_type", "Invalid type for '%s': its items must be objects, but there are numbers among them.", param)
	}
	return nil
}

func elementParam(param string, i int) string { return param + "[" + strconv.Itoa(i) + "]" }
