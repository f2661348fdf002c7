package inference

import "time"

// SetClock sets the clock that prices and retirements are judged by.
func (a *API) SetClock(now func() time.Time) { a.now = now }
