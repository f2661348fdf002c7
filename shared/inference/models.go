package inference

import (
	"net/http"
	"slices"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaiapi"
)

// model is OpenAI's model object. Azure's secret knows no date of creation, which the SDKs require.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func newModel(name string) model { return model{ID: name, Object: "model", OwnedBy: "azure-openai"} }

// listModels answers with what the secret lists and the caller may use. Where a resource does not list
// its deployments, Azure's own list answers, or for a caller bound to some models those.
func (a *API) listModels(w http.ResponseWriter, r *openaiapi.Request) error {
	names, listed, err := a.azure.Models(r.Context())
	switch {
	case err != nil:
		return err
	case !listed && r.Caller.Any():
		return a.relay(w, r, a.newCall(r), true)
	case !listed:
		names = r.Caller.Models
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", []model{}}
	for _, name := range names {
		_, online, err := a.azure.Targets(r.Context(), name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(online, r.Caller.Target) {
			list.Data = append(list.Data, newModel(name))
		}
	}
	return openaiapi.WriteJSON(w, list)
}

// retrieveModel answers for one of the models that listModels lists.
func (a *API) retrieveModel(w http.ResponseWriter, r *openaiapi.Request) error {
	name := r.PathValue("model")
	r.Record.Model = name
	names, listed, err := a.azure.Models(r.Context())
	if err != nil {
		return err
	}
	known := slices.Contains(names, name)
	if listed && !known {
		return azure.UnknownModel(name)
	}
	_, online, err := a.azure.Targets(r.Context(), name)
	if err == nil {
		err = r.MayReach(name, online)
	}
	if err != nil {
		return err
	}
	if !known {
		return a.relay(w, r, a.newCall(r), true)
	}
	return openaiapi.WriteJSON(w, newModel(name))
}
