package estimate

import (
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/rawjson"
)

// missing notes a part of the input that cannot be counted. It may take what is left of the context window.
func (c *counter) missing(part, note string) {
	c.add(part, 0, NotCounted, note)
	c.count.open = true
}

// unbounded notes a part that cannot be counted and that nothing bounds.
func (c *counter) unbounded(part, note string) {
	c.add(part, 0, NotCounted, note)
	if c.count.Unbounded == "" {
		c.count.Unbounded = note
	}
}

// unpriced notes that a part is paid at a price that the catalog does not have.
func (c *counter) unpriced(why string) {
	if c.count.Unpriced == "" {
		c.count.Unpriced = why
	}
}

// AtMost returns the most tokens that the input may have together with what is not counted. Where nothing bounds
// them it returns nil and the reason. n is nil where only an encoding is known.
func (t *Count) AtMost(n *catalog.Named) (most *int, reason string) {
	switch {
	case t.Unbounded != "":
		return nil, t.Unbounded
	case !t.open:
		return &t.Tokens, ""
	case n == nil:
		return nil, "what is not counted is bounded by a model's context window, and no model is known"
	}
	limit, _ := n.Limits("")
	if n.MaxInput != nil && (limit == nil || *n.MaxInput < *limit) {
		limit = n.MaxInput
	}
	if limit == nil {
		return nil, "what is not counted is bounded by the context window, and no source states that of " + n.Name
	}
	bound := max(t.Tokens, *limit) // a longer input is refused
	return &bound, ""
}

// chatExtras notes what a chat has beside messages and functions, none of which can be counted.
func (c *counter) chatExtras(body rawjson.Node) {
	for _, extra := range []struct{ member, note string }{
		{"data_sources", "what Azure finds in data_sources enters the context, in several calls of the model for each answer"},
		{"web_search_options", "what a web search finds enters the context, and each search has a price of its own"},
	} {
		if !body.Get(extra.member).Absent() {
			c.unbounded(extra.member, extra.note)
		}
	}
	if prediction := body.Get("prediction"); !prediction.Absent() {
		c.add("prediction", 0, NotCounted, "the tokens of a prediction that are not taken over are paid as output, beside the answer's")
		c.count.MoreOutput = c.Encoding.Count(contentText(prediction.Get("content")))
	}
	if speaks(body) {
		c.add("audio_output", 0, NotCounted, audioPrice)
		c.unpriced(audioPrice)
	}
}

const audioPrice = "audio is paid at prices of its own, which the catalog does not have"

// speaks reports whether a chat asks for an answer in audio.
func speaks(body rawjson.Node) bool {
	for m := range body.Get("modalities").Elements() {
		if m.Text() == "audio" {
			return true
		}
	}
	return !body.Get("audio").Absent()
}

// contentText returns the text of a string or of an array of text parts.
func contentText(content rawjson.Node) string {
	if content.Kind() == '"' {
		return content.Text()
	}
	var all []byte
	for p := range content.Elements() {
		all = append(all, p.Get("text").Text()...)
	}
	return string(all)
}
