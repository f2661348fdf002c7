package provision

import (
	"context"
	"fmt"
	"strings"
	"time"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

// A RegisterError is that a subscription has not registered providers that are needed, as a new one has not. Before that Azure
// does not say what the subscription may have, so there can be no plan.
type RegisterError struct {
	Subscription string // id
	Providers    []string
}

func (e *RegisterError) Error() string {
	return fmt.Sprintf("the subscription %s has not registered %s, which costs nothing", e.Subscription, strings.Join(e.Providers, " and "))
}

// checkProviders returns a RegisterError if a provider is not registered.
func (s *state) checkProviders(ctx context.Context) error {
	e := &RegisterError{Subscription: s.Subscription}
	needed := []string{"Microsoft.CognitiveServices"}
	if s.Federation != nil {
		needed = append(needed, "Microsoft.ManagedIdentity")
	}
	for _, name := range needed {
		registered, err := s.maker.isRegistered(ctx, s.Subscription, name)
		if err != nil {
			return explain(err)
		}
		if !registered {
			e.Providers = append(e.Providers, name)
		}
	}
	if e.Providers != nil {
		return e
	}
	return nil
}

func (m *Maker) isRegistered(ctx context.Context, subscription, provider string) (bool, error) {
	row, err := m.Azure.Get(ctx, "/subscriptions/"+subscription+"/providers/"+provider)
	return rm.Text(row, "registrationState") == "Registered", err
}

const (
	registerTries = 60
	registerPause = 10 * time.Second
)

// Register registers what a RegisterError names, and returns once Azure has done it.
func (m *Maker) Register(ctx context.Context, e *RegisterError) error {
	for _, provider := range e.Providers {
		if _, err := m.Azure.Post(ctx, "/subscriptions/"+e.Subscription+"/providers/"+provider+"/register", nil); err != nil {
			return explain(err)
		}
	}
	for _, provider := range e.Providers {
		for try := 1; ; try++ {
			registered, err := m.isRegistered(ctx, e.Subscription, provider)
			if err != nil {
				return explain(err)
			}
			if registered {
				break
			}
			if try == registerTries {
				return fmt.Errorf("%s is not registered after ten minutes: run this again later", provider)
			}
			if err := m.Azure.Pause(ctx, registerPause); err != nil {
				return err
			}
		}
	}
	return nil
}
