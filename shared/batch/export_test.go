package batch

import "aoai-bridge/shared/batch/plan"

// SetMaxOpen bounds the parts that are being filled at once.
func (s *Service) SetMaxOpen(n int) {
	s.planner = plan.New(plan.Options{Store: s.store, Azure: s.azure, Env: s.env, Temp: s.temp, Now: s.now, MaxOpen: n})
}
