package inference

import (
	"encoding/json"
	"net/http"
	"slices"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/telemetry"
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
func (a *API) listModels(w http.ResponseWriter, r *http.Request) {
	telemetry.From(r.Context()).Operation = "models.list"
	names, listed, err := a.azure.Models(r.Context())
	caller := callers.From(r.Context())
	switch {
	case err != nil:
		telemetry.Fail(w, r, err)
		return
	case !listed && caller.Any():
		a.relay(w, r, a.modelsCall(r), true)
		return
	case !listed:
		names = slices.Clone(caller.Models)
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", []model{}}
	for _, name := range names {
		_, online, err := a.azure.Targets(r.Context(), name)
		if err != nil {
			telemetry.Fail(w, r, err)
			return
		}
		if slices.ContainsFunc(online, caller.Target) {
			list.Data = append(list.Data, newModel(name))
		}
	}
	writeJSON(w, list)
}

// retrieveModel answers for one of the models that listModels lists.
func (a *API) retrieveModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("model")
	call := telemetry.From(r.Context())
	call.Operation, call.Model = "models.retrieve", name
	names, listed, err := a.azure.Models(r.Context())
	if err == nil {
		if listed && !slices.Contains(names, name) {
			err = azure.UnknownModel(name)
		} else {
			err = a.permit(r.Context(), name)
		}
	}
	switch {
	case err != nil:
		telemetry.Fail(w, r, err)
	case !listed && !slices.Contains(names, name):
		a.relay(w, r, a.modelsCall(r), true)
	default:
		writeJSON(w, newModel(name))
	}
}

func (a *API) modelsCall(r *http.Request) *azure.Call {
	rt := routeOf(r.Context())
	return &azure.Call{
		Method: r.Method, Dated: rt.Dated, Path: escaped(rt.Rest), Query: rt.Query.Encode(),
		Header: r.Header, Limit: rt.limit,
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		openaierr.Write(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a caller that is gone needs no answer
}
