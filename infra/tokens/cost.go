package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/tokens"
)

// subject is the model that text is counted for.
type subject struct {
	catalog *catalog.Catalog
	model   catalog.Named
}

// findSubject returns the model of a name, nil for no name. overrides is the path of a file, or "".
func findSubject(name, overrides string) (*subject, error) {
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
	switch {
	case err != nil:
		return nil, fmt.Errorf("the catalog does not know the model %q; add it by -catalog, or give -encoding instead of -model", name)
	case model.Encoding == nil:
		return nil, fmt.Errorf("%s: %s; give -encoding instead of -model", model.Name, model.EncodingNote)
	}
	return &subject{known, model}, nil
}

// costs adds to an answer what the text costs as input, by deployment type.
func (s *subject) costs(answer answerFunc) answerFunc {
	return func(out *bufio.Writer, encoding *tokens.Encoding, text string) error {
		if err := answer(out, encoding, text); err != nil {
			return err
		}
		out.WriteByte('\n')
		n := int64(encoding.Count(text))
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "%s as input of\tUSD\tUSD per 1M\t\n", s.model.Name)
		for _, c := range s.catalog.Costs(s.model, catalog.Usage{Input: n}, catalog.TermsOn(time.Now())) {
			sold := strings.Join(append([]string{string(c.Type)}, c.Zones...), " ")
			if c.USD == nil {
				fmt.Fprintf(w, "%s\t?\t?\t  %s\n", sold, c.Reason)
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%g\t\n", sold, dollars(*c.USD), *c.Input)
		}
		return w.Flush()
	}
}

// dollars shows a sum with as many digits as a single token's price needs.
func dollars(usd float64) string { return fmt.Sprintf("%.9f", usd) }
