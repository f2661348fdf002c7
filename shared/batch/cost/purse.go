package cost

import (
	"context"
	"iter"
	"sync"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/rawjson"
)

// Purse is what a run of online calls may spend: it asks the account only where answers cost more than was expected of
// them. Its methods may be called concurrently.
type Purse struct {
	account *Account
	prices  *Prices
	meter   *Meter
	part    job.Part // by online calls
	try     job.Try

	mu      sync.Mutex
	granted float64 // USD, out of the account
	spent   float64
	open    float64 // what calls under way may cost at most
	left    float64 // what the requests that have not been called may cost at most, as the part's forecast has it
	mean    float64 // of a request, of that
	refused *job.Failure
}

// NewPurse makes the purse of a try that was granted an amount. Its lines may cost most together.
func NewPurse(account *Account, prices *Prices, meter *Meter, part *job.Part, try job.Try, granted, most float64, lines int) *Purse {
	p := &Purse{account: account, prices: prices, meter: meter, part: *part, try: try, granted: granted, left: most, mean: most / float64(max(lines, 1))}
	p.part.Mode = jsonl.Online
	return p
}

// Resume notes what the answers of earlier runs cost.
func (p *Purse) Resume(answers iter.Seq[jsonl.Answer]) {
	for answer := range answers {
		p.left = max(0, p.left-p.mean)
		p.Spend(0, answer)
	}
}

// Take takes what a request may cost at most out of the purse. refused is why it must not be sent. Once one is refused,
// all are.
func (p *Purse) Take(ctx context.Context, body rawjson.Node, size int) (taken float64, refused *job.Failure, err error) {
	var f job.Forecast
	p.meter.Add(&f, 0, jsonl.Online, p.meter.Read(p.part.Endpoint, body, size))
	most := p.prices.most(&p.part, f.Most)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused != nil {
		return 0, p.refused, nil
	}
	p.left = max(0, p.left-p.mean)
	if needed := p.spent + p.open + most; above(needed, p.granted) {
		if p.granted, p.refused, err = p.account.Raise(ctx, p.try, needed, needed+p.left); p.refused != nil || err != nil {
			return 0, p.refused, err
		}
	}
	p.open += most
	return most, nil, nil
}

// Spend puts what an answer costs in place of what was taken for its request.
func (p *Purse) Spend(taken float64, answer jsonl.Answer) {
	usd := 0.0
	if answer.Success {
		price := p.prices.PriceOf(&p.part, jsonl.Online, answer.Model, catalog.TierOf(answer.Tier), answer.Usage.Input)
		usd = p.prices.most(&p.part, job.Tallies{{Price: price, Lines: 1, Usage: answer.Usage}})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open -= taken
	p.spent += usd
}

// most is what lines of a part cost, by the dearest price where theirs is not known.
func (p *Prices) most(part *job.Part, lines job.Tallies) (usd float64) {
	kind := typeOf(part)
	for _, t := range lines {
		amount, _ := p.amount(part, kind, t)
		usd += amount
	}
	return usd
}

// Most is what lines of a part may cost at most in a mode.
func (p *Prices) Most(part *job.Part, mode jsonl.Mode, lines job.Tallies) float64 {
	in := *part
	in.Mode = mode
	return p.most(&in, lines)
}
