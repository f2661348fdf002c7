package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/tokens"
)

// subject is the model that text is counted for.
type subject struct {
	catalog *catalog.Catalog
	model   catalog.Named
	now     time.Time
}

// findSubject returns the model of a name, nil for no name. overrides is the path of a file, or "".
func findSubject(name, overrides string, now time.Time) (*subject, error) {
	known := catalog.Embedded()
	if overrides != "" {
		file, err := os.ReadFile(overrides)
		if err != nil {
			return nil, err
		}
		o, err := catalog.ParseOverrides(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", overrides, err)
		}
		if known, err = known.With(o); err != nil {
			return nil, fmt.Errorf("%s: %w", overrides, err)
		}
	}
	if name == "" {
		return nil, nil
	}
	model, err := known.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("the catalog does not know the model %q; add it by -catalog, or give -encoding instead of -model", name)
	}
	return &subject{known, model, now}, nil
}

// standardEncoding is what text is counted in where neither a model nor an encoding is given.
const standardEncoding = "o200k_base"

// encodingFor returns the encoding that is asked for, "" being the model's.
func (s *subject) encodingFor(asked string) (*tokens.Encoding, error) {
	switch {
	case asked != "":
	case s == nil:
		asked = standardEncoding
	case s.model.Encoding == nil:
		return nil, fmt.Errorf("%s: %s; give -encoding, too", s.model.Name, s.model.EncodingNote)
	default:
		asked = *s.model.Encoding
	}
	return tokens.Lookup(asked)
}

// costs adds to an answer what the text costs as input, by deployment type, and what these figures are from.
func (s *subject) costs(answer answerFunc) answerFunc {
	return func(out *bufio.Writer, encoding *tokens.Encoding, text string) error {
		if err := answer(out, encoding, text); err != nil {
			return err
		}
		out.WriteByte('\n')
		usage := catalog.Usage{Input: int64(encoding.Count(text))}
		costs := s.catalog.Costs(s.model, usage, catalog.TermsOn(s.now))
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "%s as input of\tUSD\tUSD per 1M\t\n", s.model.Name)
		for _, c := range costs {
			usd, price := "?", "?"
			if c.USD != nil {
				usd, price = dollars(*c.USD), fmt.Sprint(*c.Input)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t\n", sold(c), usd, price)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		out.WriteByte('\n')
		for _, note := range s.notes(encoding, costs) {
			if err := writeWrapped(out, note); err != nil {
				return err
			}
		}
		return nil
	}
}

// sold names what a row is a price of.
func sold(c catalog.Cost) string {
	return strings.Join(append([]string{string(c.Type)}, c.Zones...), " ")
}

// dollars shows a sum with as many digits as a single token's price needs.
func dollars(usd float64) string { return fmt.Sprintf("%.9f", usd) }

// notes are what a reader has to know beside the figures.
func (s *subject) notes(encoding *tokens.Encoding, costs []catalog.Cost) []string {
	notes := []string{"Output is not included, nor what a request adds to its text."}
	switch own := s.model.Encoding; {
	case own == nil:
		notes = append(notes, fmt.Sprintf("Counted in %s; %s.", encoding.Name(), s.model.EncodingNote))
	case *own != encoding.Name():
		notes = append(notes, fmt.Sprintf("Counted in %s; the encoding of %s is %s.", encoding.Name(), s.model.Name, *own))
	}
	about := func(what string, of func(catalog.Cost) string) {
		rows := map[string][]string{}
		var order []string
		for _, c := range costs {
			if text := of(c); text != "" {
				if rows[text] == nil {
					order = append(order, text)
				}
				rows[text] = append(rows[text], sold(c))
			}
		}
		for _, text := range order {
			notes = append(notes, fmt.Sprintf(what, strings.Join(rows[text], ", "), text))
		}
	}
	about("%s: %s.", func(c catalog.Cost) string { return c.Reason })
	about("%s: %s.", func(c catalog.Cost) string { return c.Note })
	about("%s: these prices end on %s.", func(c catalog.Cost) string { return c.Until })
	var cited []string
	for _, c := range costs {
		if c.Source != "" && !slices.Contains(cited, c.Source) {
			cited = append(cited, c.Source)
			notes = append(notes, "Prices: "+s.source(c.Source)+".")
		}
	}
	return append(notes, s.retirement())
}

// source says where a row is from, and of which date.
func (s *subject) source(id string) string {
	source, ok := s.catalog.Source(id)
	if !ok {
		return "your file"
	}
	text := source.What + ", of " + *cmp.Or(source.Date, new("an unknown date"))
	if source.Note != "" {
		text += "; " + source.Note
	}
	return text
}

func (s *subject) retirement() string {
	r := s.catalog.FirstRetirement(s.model, s.now)
	if r == nil {
		return fmt.Sprintf("Retirement of %s: no source states one.", s.model.Name)
	}
	when := r.Date
	if r.Version != "" {
		when += ", for version " + r.Version
		if last, _ := s.model.Retires(); last != "" {
			when += " (others: " + last + ")"
		}
	}
	if r.Passed {
		when += ", which has passed"
	}
	text := fmt.Sprintf("Retirement of %s: %s, by %s.", s.model.Name, when, s.source(r.Source))
	if r.Note != "" {
		text += " Note: " + r.Note + "."
	}
	return text
}

// columns is the width that notes are wrapped to.
const columns = 100

// writeWrapped writes a paragraph whose lines after the first are indented.
func writeWrapped(out io.Writer, text string) error {
	const indent = "  "
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case width == 0:
		case width+1+n > columns:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	_, err := fmt.Fprintln(out, b.String())
	return err
}
