package plan

// SetMaxOpen bounds the parts that are being filled at once.
func (p *Planner) SetMaxOpen(n int) { p.maxOpen = n }
