package cost

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/bucket"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/openaierr"
)

// Account holds a job to its ceiling while it runs: a try of a part begins only if what it may cost, what others that are
// under way may cost, and what has been spent are together no more than that. So the job exceeds its ceiling by no more
// than answers of what is under way cost above their estimates.
//
// It is one object, which every change replaces by its ETag, so that of several changes at once none is lost. What a try
// costs is noted by the try, so that a task which is repeated changes nothing.
type Account struct {
	Store   *bucket.Bucket
	Job     *job.Job
	Ceiling float64 // USD
}

// ledger is the account's object.
type ledger struct {
	Parts map[int]map[int]entry `json:"parts"` // by part and try
}

// entry is the money of a try.
type entry struct {
	USD  float64 `json:"usd"`            // that it has cost, or may cost at most while it is open
	Open bool    `json:"open,omitempty"` // it is under way
}

// sums are what has been spent, and what is under way may cost, except for a try.
func (l *ledger) sums(except job.Try) (spent, open float64) {
	for part, tries := range l.Parts {
		for try, e := range tries {
			switch {
			case part == except.Part && try == except.Try:
			case e.Open:
				open += e.USD
			default:
				spent += e.USD
			}
		}
	}
	return spent, open
}

func (l *ledger) set(try job.Try, e entry) {
	if l.Parts == nil {
		l.Parts = map[int]map[int]entry{}
	}
	if l.Parts[try.Part] == nil {
		l.Parts[try.Part] = map[int]entry{}
	}
	l.Parts[try.Part][try.Try] = e
}

// Begin takes what a try may cost at most out of the account, and returns it. A try that has begun before has what it
// took then. refused is why the try does not begin.
func (a *Account) Begin(ctx context.Context, try job.Try, most float64) (granted float64, refused *job.Failure, err error) {
	err = a.change(ctx, func(l *ledger) bool {
		if begun, ok := l.Parts[try.Part][try.Try]; ok {
			granted, refused = begun.USD, nil
			return false
		}
		spent, open := l.sums(try)
		if granted, refused = most, nil; above(spent+open+most, a.Ceiling) {
			granted, refused = 0, a.refusal("the part it is in", spent, open, most)
			return false
		}
		l.set(try, entry{most, true})
		return true
	})
	return granted, refused, err
}

// Raise takes more out of the account for a try that is under way. The try then has as much in all as is wanted, or what
// is left if that is less. refused is why there is less left than is needed.
func (a *Account) Raise(ctx context.Context, try job.Try, needed, wanted float64) (granted float64, refused *job.Failure, err error) {
	err = a.change(ctx, func(l *ledger) bool {
		has := l.Parts[try.Part][try.Try]
		spent, open := l.sums(try)
		left := a.Ceiling - spent - open
		if granted, refused = min(wanted, left), nil; above(needed, left) {
			granted, refused = has.USD, a.refusal("the line", spent, open, needed)
			return false
		}
		l.set(try, entry{granted, true})
		return true
	})
	return granted, refused, err
}

// Settle notes what a try has cost.
func (a *Account) Settle(ctx context.Context, try job.Try, usd float64) error {
	return a.change(ctx, func(l *ledger) bool {
		settled := entry{USD: usd}
		if l.Parts[try.Part][try.Try] == settled { // or there is none, and nothing was spent
			return false
		}
		l.set(try, settled)
		return true
	})
}

// above reports whether a sum is more than an amount, and not only by what floating point adds.
func above(sum, amount float64) bool { return sum > amount+1e-9 }

// refusal says why something is not sent, and what can be done.
func (a *Account) refusal(what string, spent, open, most float64) *job.Failure {
	again := "Put the lines that were not answered into inbox/ again, with the metadata cost-ceiling=... if they need a higher one; failed/ has them."
	if a.Job.Origin == job.OriginAPI {
		again = "Send the lines that were not answered in another batch, with the metadata " + job.MetadataPrefix + "cost-ceiling=... if they need a higher one and your key may spend it."
	}
	under := ""
	if open > 0 {
		under = fmt.Sprintf(", what is under way may cost up to %s USD", Dollars(open))
	}
	return &job.Failure{Code: job.CostTooHigh, Message: fmt.Sprintf(
		"The line was not sent: the job has cost %s USD so far%s, and %s may cost up to %s USD, together above the job's ceiling of %s USD. %s",
		Dollars(spent), under, what, Dollars(most), Dollars(a.Ceiling), again)}
}

// How often a change is tried while others change the account, and how long to wait between, at most. A job has 40 parts
// at once.
const (
	changes = 100
	pause   = 200 * time.Millisecond
)

// change changes the account. The function may be called several times, and reports whether it has changed anything.
func (a *Account) change(ctx context.Context, change func(*ledger) bool) error {
	key := job.AccountKey(a.Job.ID)
	for range changes {
		var l ledger
		tag, err := a.Store.GetTagged(ctx, key, &l)
		if err != nil {
			return err
		}
		if !change(&l) {
			return nil
		}
		won, err := a.Store.Replace(ctx, key, &l, tag)
		switch {
		case won:
			return nil
		case err != nil && bucket.Status(err) != http.StatusConflict: // of another change at the same time
			return err
		}
		if err := clock.Sleep(ctx, rand.N(pause)); err != nil {
			return err
		}
	}
	return &openaierr.Error{
		Status: http.StatusServiceUnavailable, Type: openaierr.TypeServer, Code: "account_busy",
		Message: "The account of the job's cost is changed by too many tasks at once. Try again.",
	}
}
