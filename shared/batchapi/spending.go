package batchapi

import (
	"strconv"

	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/openaierr"
)

// checkSpending checks a batch's options, which spend the money of the stack's owner, and returns them with the ceiling
// that holds. They may not go beyond the stack's settings, except up to a ceiling that the callers' secret
// has for the key. Where that is below the stack's, it also holds for batches that name none.
func checkSpending(o job.Options, stack job.Settings, caller callers.Caller) (job.Options, error) {
	most := stack.Ceiling
	if caller.CostCeiling != nil {
		most = *caller.CostCeiling
	}
	asked := stack.Ceiling
	if o.Ceiling != nil {
		asked = *o.Ceiling
	}
	switch {
	case !allowsMore(asked, most):
	case o.Ceiling == nil:
		o.Ceiling = &most
	default:
		name := job.MetadataPrefix + "cost-ceiling"
		return o, tooMuch(name, "'metadata' asks for '%s' of %s, and %s USD are the most that your key may spend on a batch. Ask for less; or the owner of this endpoint can allow more, for example with make key NAME=... REPLACE=1 COST_CEILING=500.",
			name, dollars(asked), dollars(most))
	}
	if o.Tries != nil && *o.Tries > stack.Tries {
		name := job.MetadataPrefix + "tries"
		return o, tooMuch(name, "'metadata' asks for '%s' of %d, and %d are the most. Ask for fewer; or the owner of this endpoint can raise the stack's parameter BatchTries.",
			name, *o.Tries, stack.Tries)
	}
	if o.KeepFiles != nil && *o.KeepFiles && !stack.KeepFiles {
		name := job.MetadataPrefix + "keep-azure-files"
		return o, tooMuch(name, "'metadata' asks for '%s', and files are not kept in Azure here. Leave it out; or the owner of this endpoint can set the stack's parameter BatchKeepAzureFiles.", name)
	}
	return o, nil
}

// allowsMore reports whether a ceiling allows more than another; 0 is no ceiling at all.
func allowsMore(a, b float64) bool { return b != 0 && (a == 0 || a > b) }

func dollars(amount float64) string {
	if amount == 0 {
		return "none"
	}
	return strconv.FormatFloat(amount, 'f', -1, 64)
}

func tooMuch(name, format string, args ...any) error {
	return openaierr.Invalid("metadata."+name, "invalid_value", format, args...)
}
