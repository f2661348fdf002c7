package job

import (
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/usage"
)

// Price is what decides the price of a line besides its part.
type Price struct {
	Model string       `json:"model,omitempty"`        // that the answer names, where the part's is not sure; "" is the part's
	Tier  catalog.Tier `json:"service_tier,omitempty"` // "" is the standard one
	Long  bool         `json:"long_context,omitempty"` // the line has more input than the step above which a call costs more
}

// Tally is lines of one price and their tokens.
type Tally struct {
	Price
	Lines int         `json:"lines"`
	Usage usage.Usage `json:"usage"`
}

// Tallies are lines by their price.
type Tallies []Tally

// maxPrices bounds Tallies: answers may name any model.
const maxPrices = 50

// Add counts a line in. Beyond maxPrices it is one of the part's model.
func (all *Tallies) Add(p Price, u usage.Usage) {
	if len(*all) >= maxPrices {
		p.Model = ""
	}
	for i := range *all {
		if t := &(*all)[i]; t.Price == p {
			t.Lines++
			t.Usage.Add(u)
			return
		}
	}
	*all = append(*all, Tally{p, 1, u})
}

// Sum is all of the lines.
func (all Tallies) Sum() (sum Tally) {
	for _, t := range all {
		sum.Lines += t.Lines
		sum.Usage.Add(t.Usage)
	}
	return sum
}

// Forecast is what is known of the tokens of lines before they are sent.
type Forecast struct {
	Expected   Tallies  `json:"expected"`                    // as counted
	Most       Tallies  `json:"at_most"`                     // with a bound of what is not counted
	NotCounted []string `json:"not_counted,omitempty"`       // parts of the input that Expected is without
	NoLimit    int      `json:"no_output_limit,omitempty"`   // lines whose answers are taken for BatchOutputTokens
	Unbounded  int      `json:"unbounded_lines,omitempty"`   // lines that nothing bounds, so that Most is no bound
	First      int      `json:"first_unbounded,omitempty"`   // number of the first of these
	Why        string   `json:"unbounded_because,omitempty"` // of that
}
