package plan

import (
	"context"
	"fmt"
	"math"
	"strings"

	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/job"
)

// estimate estimates what the parts of a plan cost, and refuses the plan if that is more than the job's ceiling allows.
func (p *Planner) estimate(ctx context.Context, j *job.Job, plan *job.Plan) error {
	prices, err := cost.PricesOf(ctx, p.azure)
	if err != nil {
		return err
	}
	var bill *cost.Bill
	plan.Estimate, bill = prices.Foresee(plan.Parts, p.env.OutputTokens)
	plan.Failure = overCeiling(j, plan, bill)
	return nil
}

// reconsider looks again at a job that was refused for its cost: at today's prices, and by the ceiling that
// its owner names now, if there is one.
func (p *Planner) reconsider(ctx context.Context, j *job.Job, plan *job.Plan, ceiling *float64) error {
	if ceiling != nil {
		j.Settings.Ceiling = *ceiling
	}
	if err := p.estimate(ctx, j, plan); err != nil {
		return err
	}
	if err := p.store.Put(ctx, job.Key(j.ID), j); err != nil {
		return err
	}
	return p.store.Put(ctx, job.PlanKey(j.ID), plan)
}

// overCeiling refuses a job that may cost more than it is allowed, or that nothing bounds. The bill is of the most that it
// may cost.
func overCeiling(j *job.Job, plan *job.Plan, bill *cost.Bill) *job.Failure {
	ceiling, e := j.Settings.Ceiling, &plan.Estimate
	switch {
	case ceiling == 0 || len(plan.Parts) == 0:
		return nil
	case e.AtMost == nil:
		return &job.Failure{Code: job.CostUnknown, Message: fmt.Sprintf(
			"Nothing was sent: nothing bounds what the job may cost, so it cannot be held against its ceiling of %s USD (%s). Leave out what has no bound, or let the job run without a ceiling. %s",
			cost.Dollars(ceiling), e.Unbounded, letThrough(j, "none"))}
	case *e.AtMost <= ceiling:
		return nil
	}
	enough := fmt.Sprintf("%.0f", math.Ceil(*e.AtMost))
	if len(e.Unpriced) > 0 {
		return &job.Failure{Code: job.CostUnknown, Message: fmt.Sprintf(
			"Nothing was sent: no price is known for %s, so the dearest in the catalog was taken, by which the job may cost up to %s USD (%s), above its ceiling of %s USD. %s%s",
			named(e), cost.Dollars(*e.AtMost), tokens(e), cost.Dollars(ceiling), pricing(j, bill), letThrough(j, enough))}
	}
	return &job.Failure{Code: job.CostTooHigh, Message: fmt.Sprintf(
		"Nothing was sent: the job may cost up to %s USD (%s), above its ceiling of %s USD. %s",
		cost.Dollars(*e.AtMost), tokens(e), cost.Dollars(ceiling), letThrough(j, enough))}
}

// letThrough says how the job can be sent all the same. It keeps the ceiling that it began with: a higher one of the
// stack is for new jobs.
func letThrough(j *job.Job, ceiling string) string {
	if j.Origin == job.OriginAPI {
		return "To let it through, create the batch again with the metadata " + job.MetadataPrefix + "cost-ceiling=" + ceiling + ", if your key may spend that: the owner of this endpoint can allow more with make key NAME=... REPLACE=1 COST_CEILING=... The stack's parameter BatchCostCeiling is the ceiling of new batches that name none."
	}
	return "To let it through, put the file there again with the metadata cost-ceiling=" + ceiling + ", or start the workflow with the same input, \"take_over\": true and options.cost_ceiling. The stack's parameter BatchCostCeiling is the ceiling of new jobs that name none."
}

// pricing says what to add to the Azure secret, for a job that has models without a price.
func pricing(j *job.Job, bill *cost.Bill) string {
	var advice strings.Builder
	if paste := bill.Paste(); paste != "" {
		whose := "Put"
		if j.Origin == job.OriginAPI {
			whose = "The owner of this endpoint can put"
		}
		fmt.Fprintf(&advice, "%s what is right of this into the Azure secret, with your prices in USD per million tokens: %s . ", whose, paste)
	}
	for _, tier := range bill.TiersWithoutPrice() {
		fmt.Fprintf(&advice, "Of the service tier %q no price is known: leave \"service_tier\" out. ", tier)
	}
	return advice.String()
}

// named lists the models without a price, with what their names suggest.
func named(e *job.Estimate) string {
	var names []string
	for _, model := range e.Unpriced {
		name := fmt.Sprintf("%.100q", model)
		if guess := e.Guesses[model]; guess != "" {
			name += " (by its name it may be " + guess + ", which is a guess)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// tokens says what an estimate is of.
func tokens(e *job.Estimate) string {
	text := fmt.Sprintf("%d tokens in, about %d out", e.Input, e.Output)
	if e.NoLimit > 0 {
		text += fmt.Sprintf("; lines without a limit of output: %d, whose answers are taken for %d tokens each, the stack's BatchOutputTokens", e.NoLimit, e.Assumed)
	}
	if len(e.NotCounted) > 0 {
		text += "; " + strings.Join(e.NotCounted, ", ") + " cannot be counted and may take what is left of the context window"
	}
	return text
}
