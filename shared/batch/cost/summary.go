package cost

import (
	"fmt"
	"math"
	"strconv"

	"aoai-bridge/shared/batch/job"
)

// Summary is what a bill comes to, beside what was estimated.
func (b *Bill) Summary(e *job.Estimate) job.Cost {
	c := Estimated(e)
	c.USD, c.Standard, c.Unpriced, c.Guesses = rounded(b.USD()), rounded(b.Standard()), b.Unpriced(), b.Guesses()
	switch {
	case c.USD == nil:
		c.AtMost = rounded(&b.most)
	case c.Standard != nil:
		saving := *c.Standard - *c.USD
		c.Saving = rounded(&saving)
	}
	return c
}

// Estimated is an estimate as a summary has it, of a job that was not sent.
func Estimated(e *job.Estimate) job.Cost {
	c := job.Cost{Estimated: rounded(e.USD), EstimatedAtMost: rounded(e.AtMost), NotCounted: e.NotCounted, Unpriced: e.Unpriced, Guesses: e.Guesses}
	if e.NoLimit > 0 {
		c.Assumed = fmt.Sprintf("%d tokens (BatchOutputTokens) for each answer where a line sets no limit of output; such lines: %d", e.Assumed, e.NoLimit)
	}
	return c
}

// rounded is an amount in USD to a millionth, nil if it is not known.
func rounded(usd *float64) *float64 {
	if usd == nil {
		return nil
	}
	rounded := math.Round(*usd*1e6) / 1e6
	return &rounded
}

// Dollars is an amount as people read it, to a millionth, or all of it where that would be nothing.
func Dollars(usd float64) string {
	if shown := *rounded(&usd); shown != 0 {
		usd = shown
	}
	return strconv.FormatFloat(usd, 'f', -1, 64)
}
