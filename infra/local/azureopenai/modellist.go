package azureopenai

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// listModels answers GET models: the models of the deployments, each by its name and by name and
// version, as Azure lists models rather than deployments.
func (x *exchange) listModels() error {
	models := x.models()
	ids := slices.Sorted(maps.Keys(models))
	list := struct {
		Data   []json.RawMessage `json:"data"`
		Object string            `json:"object"`
	}{[]json.RawMessage{}, "list"}
	for _, id := range ids {
		list.Data = append(list.Data, x.describeModel(id, models[id]))
	}
	return x.sendJSON(http.StatusOK, encode(list))
}

// getModel answers GET models/{id}.
func (x *exchange) getModel() error {
	m, ok := x.models()[x.route.id]
	if !ok {
		e := invalid("model", "model_not_found", "The model '%s' does not exist", x.route.id) // unverified on Azure
		e.status = http.StatusNotFound
		return e
	}
	return x.sendJSON(http.StatusOK, x.describeModel(x.route.id, m))
}

func (x *exchange) models() map[string]model {
	models := make(map[string]model)
	for _, d := range *x.server.deployments.Load() {
		models[d.Model] = d.model
		if d.Version != "" {
			models[d.Model+"-"+d.Version] = d.model
		}
	}
	return models
}

// modelCreated is the date of every model, in seconds since 1970: real dates are not known.
const modelCreated = 1735689600

// describeModel writes Azure's form on dated paths, and OpenAI's on v1.
func (x *exchange) describeModel(id string, m model) json.RawMessage {
	if x.route.family == familyV1 {
		return json.RawMessage(`{"id":` + quote(id) + `,"object":"model","created":` + itoa(modelCreated) + `,"owned_by":"system"}`)
	}
	embeds := m.dimensions > 0
	capabilities := encode(struct {
		FineTune       bool `json:"fine_tune"`
		Inference      bool `json:"inference"`
		Completion     bool `json:"completion"`
		ChatCompletion bool `json:"chat_completion"`
		Embeddings     bool `json:"embeddings"`
	}{Inference: true, ChatCompletion: !embeds && !m.responsesOnly, Embeddings: embeds})
	return json.RawMessage(`{"status":"succeeded","capabilities":` + string(capabilities) + `,"lifecycle_status":"generally-available","deprecation":{},"id":` +
		quote(id) + `,"created_at":` + itoa(modelCreated) + `,"updated_at":` + itoa(modelCreated) + `,"object":"model"}`)
}
