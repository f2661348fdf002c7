package arm

import (
	"fmt"
	"net/http"
	"strings"
)

// Unregister leaves a provider, such as Microsoft.CognitiveServices, as it is in a new subscription.
func (s *Server) Unregister(provider string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unregistered[strings.ToLower(provider)] = -1
}

func (s *Server) getProvider(c *call) (answer, error) {
	name := c.params["resourceProviderNamespace"]
	state := "Registered"
	switch left, not := s.unregistered[strings.ToLower(name)]; {
	case !not:
	case left < 0:
		state = "NotRegistered"
	case left == 0:
		delete(s.unregistered, strings.ToLower(name))
	default:
		state = "Registering"
		s.unregistered[strings.ToLower(name)]--
	}
	return ok(map[string]any{"namespace": name, "registrationState": state})
}

func (s *Server) register(c *call) (answer, error) {
	name := strings.ToLower(c.params["resourceProviderNamespace"])
	if _, not := s.unregistered[name]; not {
		s.unregistered[name] = max(s.options.Looks, 0)
	}
	return ok(map[string]any{"namespace": c.params["resourceProviderNamespace"], "registrationState": "Registering"})
}

// checkRegistered refuses what a provider is asked for that is not registered.
func (s *Server) checkRegistered(path string) error {
	_, rest, found := strings.Cut(path, "/providers/")
	name, _, below := strings.Cut(rest, "/")
	if _, not := s.unregistered[strings.ToLower(name)]; !found || !below || !not || strings.HasSuffix(path, "/register") {
		return nil
	}
	return &Refusal{http.StatusConflict, "MissingSubscriptionRegistration", fmt.Sprintf("The subscription is not registered to use namespace '%s'. "+
		"See https://aka.ms/rps-not-found for how to register subscriptions.", name)}
}
