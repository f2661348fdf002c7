package batch

import "slices"

// Limits are what a job's lines have to keep to. A line that does not is an error of its own.
type Limits struct {
	Endpoint string   `json:"endpoint,omitempty"` // of every line: /v1/chat/completions and so on; "" is any
	Models   []string `json:"models,omitempty"`   // nil is any
}

// check holds a line against the limits of its job. A model goes by its own name and by its deployments'.
func (limits *Limits) check(l *line, to targets) *lineError {
	if limits.Endpoint != "" && endpointOf(limits.Endpoint) != l.endpoint {
		return l.fail("url_mismatch", "'url' is not the endpoint of the batch, %s. Put the line into a batch of its own endpoint.", limits.Endpoint)
	}
	if limits.Models == nil {
		return nil
	}
	may := slices.Contains(limits.Models, l.model)
	for _, t := range slices.Concat(to.batch, to.online) {
		may = may || slices.Contains(limits.Models, t.Model)
	}
	if !may {
		return l.fail("model_not_allowed", "Your key may not use the model %q. GET /v1/models lists those it may use; the owner of this endpoint can add to them.", l.model)
	}
	return nil
}
