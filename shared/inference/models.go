package inference

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/rawjson"
)

// model is OpenAI's model object, with what the catalog knows. Azure's secret knows no date of creation, which the SDKs
// require.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	*facts
}

func (a *API) newModel(r *openaiapi.Request, name string) (*model, error) {
	known, err := a.factsOn(r, name)
	if err != nil {
		return nil, err
	}
	return &model{name, "model", 0, "azure-openai", known}, nil
}

// listModels answers with what the secret lists and the caller may use. Where a resource does not list
// its deployments, Azure's own list answers, or for a caller bound to some models those.
func (a *API) listModels(w http.ResponseWriter, r *openaiapi.Request) error {
	names, listed, err := a.azure.Models(r.Context())
	switch {
	case err != nil:
		return err
	case !listed && r.Caller.Any():
		return a.relayModels(w, r)
	case !listed:
		names = r.Caller.Models
	}
	list := struct {
		Object string   `json:"object"`
		Data   []*model `json:"data"`
	}{"list", []*model{}}
	for _, name := range names {
		_, online, err := a.azure.Targets(r.Context(), name)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(online, r.Caller.Target) {
			continue
		}
		m, err := a.newModel(r, name)
		if err != nil {
			return err
		}
		list.Data = append(list.Data, m)
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
		return a.relayModels(w, r)
	}
	m, err := a.newModel(r, name)
	if err != nil {
		return err
	}
	return openaiapi.WriteJSON(w, m)
}

// maxModels bounds what is read of Azure's list of models, in bytes. A row has less than 1 kB.
const maxModels = 4 << 20

// relayModels answers with Azure's list of models, or its row of one. Each row gets what the catalog knows, and keeps
// the members that it has.
func (a *API) relayModels(w http.ResponseWriter, r *openaiapi.Request) error {
	if err := a.permitHeader(r); err != nil {
		return err
	}
	answer, err := a.azure.Do(r.Context(), a.newCall(r))
	if err != nil {
		return err
	}
	defer answer.Close()
	body, err := answer.ReadObject(maxModels)
	if err != nil {
		return err
	}
	var text []byte
	if list := body.Get("data"); list.Kind() == '[' {
		var rows []json.RawMessage
		if err := json.Unmarshal(list.Raw(), &rows); err != nil {
			return err
		}
		data := []byte{'['}
		for i, row := range rows {
			if row, err = a.describeRow(r, row); err != nil {
				return err
			}
			if i > 0 {
				data = append(data, ',')
			}
			data = append(data, row...)
		}
		data = append(data, ']')
		text = body.With(rawjson.Edit{Key: "data", Value: data}).Bytes()
	} else if text, err = a.describeRow(r, body.Raw()); err != nil {
		return err
	}
	maps.Copy(w.Header(), answer.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(answer.Status)
	_, _ = w.Write(text) // the caller may have gone
	return nil
}

// describeRow adds what the catalog knows to a row of Azure's. What is no row of a model stays as it is.
func (a *API) describeRow(r *openaiapi.Request, raw json.RawMessage) (json.RawMessage, error) {
	row, err := rawjson.ParseTop(raw)
	if err != nil || row.Kind() != '{' || row.Get("id").Kind() != '"' {
		return raw, nil
	}
	known, err := a.factsOn(r, row.Get("id").Text())
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	ours, err := rawjson.Parse(text)
	if err != nil {
		return nil, err
	}
	var edits []rawjson.Edit
	for name, value := range ours.All() {
		if row.Count(name) == 0 {
			edits = append(edits, rawjson.Edit{Key: name, Value: value})
		}
	}
	return row.With(edits...).Bytes(), nil
}
