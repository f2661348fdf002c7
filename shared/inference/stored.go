package inference

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/urlpath"
)

// handleStored passes on an operation about a stored response, which one resource has. A key that is bound to models
// reaches those that its models have made; what the response is has to be looked up before anything is done to it.
func (a *API) handleStored(pattern, name string) {
	a.routes.Handle(pattern, name, func(w http.ResponseWriter, r *openaiapi.Request) error {
		id := r.PathValue("id")
		call := a.newCall(r)
		call.State = []string{id}
		call.Stream = r.Path.Query.Get("stream") == "true"
		if !mustJudge(r, id) {
			return a.relay(w, r, call, true)
		}
		if name != "responses.retrieve" || call.Stream {
			found, err := a.findResponse(r, id, "response_id")
			if err != nil {
				return err
			}
			call.Resource = found
			return a.relay(w, r, call, true)
		}
		if err := a.permitHeader(r); err != nil {
			return err
		}
		answer, err := a.retrieve(r, call, "response_id")
		if err != nil {
			return err
		}
		return send(w, answer, true)
	})
}

// permitResponse checks that the caller may go on from a stored response.
func (a *API) permitResponse(r *openaiapi.Request, id string) error {
	if !mustJudge(r, id) {
		return nil
	}
	_, err := a.findResponse(r, id, "previous_response_id")
	return err
}

// mustJudge reports whether a caller reaches a stored response only if one of its models has made it.
func mustJudge(r *openaiapi.Request, id string) bool { return r.Caller.Stored(id, "") != nil }

// findResponse returns the resource that has a stored response which the caller may reach.
func (a *API) findResponse(r *openaiapi.Request, id, param string) (resource string, err error) {
	if !urlpath.IsSegment(id) {
		return "", noResponse(id, param)
	}
	call := &azure.Call{
		Method: http.MethodGet, Dated: r.Path.Dated, Path: "responses/" + url.PathEscape(id),
		Header: http.Header{"Accept": {"application/json"}}, Limit: a.limit, State: []string{id},
	}
	if version := r.Path.Query.Get("api-version"); version != "" {
		call.Query = url.Values{"api-version": {version}}.Encode()
	}
	answer, err := a.retrieve(r, call, param)
	if err != nil {
		return "", err
	}
	defer answer.Close()
	_, _ = io.CopyN(io.Discard, answer.Body(), maxRest) // so that the connection can be used again
	return answer.Resource, nil
}

// maxRest is how much of an answer is read that nobody needs, in bytes. A new connection costs more than so much.
const maxRest = 256 << 10

// retrieve sends a call for a stored response, and returns the answer if the caller may reach that. Otherwise the error
// is the same as for one that is not there.
func (a *API) retrieve(r *openaiapi.Request, call *azure.Call, param string) (*azure.Answer, error) {
	id := call.State[0]
	answer, err := a.azure.Do(r.Context(), call)
	if err != nil {
		if openaierr.From(err).Status == http.StatusNotFound {
			return nil, noResponse(id, param)
		}
		return nil, err
	}
	may := false
	model, err := answer.Member("model")
	if err == nil {
		may, err = a.mayReach(r, answer.Resource, model)
	}
	if err == nil && !may {
		err = noResponse(id, param)
	}
	if err != nil {
		answer.Close()
		return nil, err
	}
	return answer, nil
}

// mayReach reports whether a caller may use the model that has made a response, as the resource that has the response
// names it: by the model's name, perhaps with its date, or by a deployment's. A name that can stand for several models
// must stand for none that the caller may not use.
func (a *API) mayReach(r *openaiapi.Request, resource string, made json.RawMessage) (bool, error) {
	var name string
	if json.Unmarshal(made, &name) != nil || name == "" {
		return false, nil
	}
	targets, err := a.targetsOf(r)(name)
	if err != nil {
		return false, err
	}
	models := []string{}
	for _, t := range targets {
		if t.Resource == resource {
			models = append(models, t.Model)
		}
	}
	if len(models) == 0 {
		models = append(models, name)
	}
	for _, model := range models {
		may, err := a.mayUse(r, model)
		if undated := date().ReplaceAllString(model, ""); err == nil && !may && undated != model {
			may, err = a.mayUse(r, undated)
		}
		if !may || err != nil {
			return false, err
		}
	}
	return true, nil
}

// date is what a version adds to a model's name.
var date = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`-\d{4}(-\d{2}-\d{2})?$`) })

// mayUse reports whether a caller may use a model: by its name, or by a deployment that serves it.
func (a *API) mayUse(r *openaiapi.Request, model string) (bool, error) {
	targets, err := a.targetsOf(r)(model)
	if err != nil {
		return false, err
	}
	for _, t := range targets {
		if t.Model == model && r.Caller.Target(t) {
			return true, nil
		}
	}
	return len(targets) == 0 && r.Caller.May(model), nil
}

func noResponse(id, param string) error {
	code := "not_found"
	if param == "previous_response_id" {
		code = "previous_response_not_found" // by which clients know that they have to send the whole conversation
	}
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Param: param, Code: code,
		Message: fmt.Sprintf("There is no response %.100q for your key, which '%s' names: a key that is bound to models reaches only the responses that these have made. The owner of this endpoint can allow the others with make key NAME=... REPLACE=1 ALLOW=state.", id, param),
	}
}
