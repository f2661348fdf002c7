package job

import "aoai-bridge/shared/permits"

// Limits are what a job's lines have to keep to. A line that does not is an error of its own.
type Limits struct {
	Endpoint string   `json:"endpoint,omitempty"` // of every line: /v1/chat/completions and so on; "" is any
	Models   []string `json:"models,omitempty"`   // what the owner's key is bound to; nil is any
	Allow    []string `json:"allow,omitempty"`    // what that key may reach besides
}

// NotAllowed is the code of lines whose model the owner's key may not use.
const NotAllowed = "model_not_allowed"

// Permits are what the lines may reach.
func (l *Limits) Permits() permits.Permits {
	if l.Models == nil {
		return permits.Permits{Models: []string{"*"}}
	}
	return permits.Permits{Models: l.Models, Allow: l.Allow}
}
