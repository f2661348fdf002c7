package provision

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

var (
	// resourceName is the OpenAPI's pattern of accountName, which somebody's resource may have.
	resourceName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,63}$`)
	// hostName is what can be the first label of an address, as a resource that is made here needs it.
	hostName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$`)
)

func badName(name string) error {
	return fmt.Errorf("the resource's name is %q, want 2 to 64 lower-case letters, digits and hyphens, for example: make azure NAME=my-aoai LOCATION=eastus2", name)
}

// What can be done with a resource that was deleted.
const (
	Restore = "restore"
	Purge   = "purge"
)

// A DeletedError is that a resource of the name was deleted, and that the request does not say what to do with it.
type DeletedError struct {
	Name, Location, Group string
	Restorable            bool // by the request that failed; otherwise only where it was
}

func (e *DeletedError) Error() string {
	what := fmt.Sprintf("a resource %s was deleted in %s less than 48 hours ago, and Azure keeps it and its name so long", e.Name, e.Location)
	if e.Restorable {
		return what + ": add RESTORE=1 to have it back, with the keys that it had, or PURGE=1 to have it gone for good and another one made"
	}
	return what + fmt.Sprintf(": add PURGE=1 to have it gone for good, or GROUP=%s LOCATION=%s RESTORE=1 to have it back where it was", e.Group, e.Location)
}

// planName finds out whether a resource of the name can be made, and what has to come before.
func (s *state) planName(ctx context.Context, p *Plan) error {
	if !hostName.MatchString(s.Name) {
		return badName(s.Name)
	}
	deleted, err := s.findDeleted(ctx)
	if err != nil {
		return explain(err)
	}
	if deleted == nil {
		s.Deleted = ""
		return s.checkName(ctx)
	}
	e := &DeletedError{Name: s.Name, Location: canonical(rm.Text(deleted, "location")), Group: groupOf(rm.Text(deleted, "id"))}
	e.Restorable = e.Location == s.Location && strings.EqualFold(e.Group, s.Group)
	switch {
	case s.Deleted == Purge:
		p.add("purge the resource "+s.Name+" that was deleted", func(ctx context.Context) error { return s.maker.Azure.Delete(ctx, rm.Text(deleted, "id")) })
		return nil
	case s.Deleted == Restore && e.Restorable:
		return nil
	}
	return e
}

// groupOf is the resource group in an id.
func groupOf(id string) string {
	_, rest, _ := strings.Cut(id, "/resourceGroups/")
	group, _, _ := strings.Cut(rest, "/")
	return group
}

// checkName finds out whether the name is free, as the names of all customers' resources share one domain.
func (s *state) checkName(ctx context.Context) error {
	free, err := s.isFree(ctx, s.Name)
	if err != nil || free {
		return explain(err)
	}
	for i := range 5 {
		proposal := proposedName(s.Subscription, s.Name, i)
		if free, err = s.isFree(ctx, proposal); err != nil {
			return explain(err)
		}
		if free {
			return fmt.Errorf("the name %s is taken, since names are shared with all of Azure's customers: NAME=%s is free", s.Name, proposal)
		}
	}
	return fmt.Errorf("the name %s is taken, since names are shared with all of Azure's customers: choose another NAME", s.Name)
}

func (s *state) isFree(ctx context.Context, name string) (bool, error) {
	answer, err := s.maker.Azure.Post(ctx, "/subscriptions/"+s.Subscription+"/providers/Microsoft.CognitiveServices/checkDomainAvailability",
		map[string]any{"subdomainName": name, "type": "Microsoft.CognitiveServices/accounts"})
	free, _ := answer["isSubdomainAvailable"].(bool)
	return free, err
}

// proposedName is the name with four characters more, the same ones for a subscription every time.
func proposedName(subscription, name string, attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", subscription, name, attempt))
	return fmt.Sprintf("%.59s-%x", name, sum[:2])
}
