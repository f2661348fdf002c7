package main

import (
	"encoding/json"
	"fmt"
)

// genaiRow is what is read of a model of genai-prices. Prices are in USD per 1,000,000 tokens.
type genaiRow struct {
	ID      string                 `json:"id"`
	Names   []string               `json:"names"` // that the row is of
	Context *int                   `json:"context_window,omitempty"`
	Prices  map[string]json.Number `json:"prices,omitempty"`
}

// trimGenaiPrices keeps the models of the provider Azure. The data are a Python module that has nothing
// but calls with literal arguments.
func trimGenaiPrices(data []byte) ([]byte, error) {
	provider, err := pythonCall(data, "Provider", "azure")
	if err != nil {
		return nil, err
	}
	models, ok := provider["models"].([]any)
	if !ok {
		return nil, fmt.Errorf("the provider azure has no list of models")
	}
	var kept []genaiRow
	for _, m := range models {
		model, _ := m.(call)
		id, _ := model.args["id"].(string)
		if model.name != "ModelInfo" || id == "" {
			return nil, fmt.Errorf("%v is no ModelInfo", m)
		}
		row := genaiRow{ID: id, Names: names(model.args["match"]), Prices: map[string]json.Number{}}
		if n, ok := model.args["context_window"].(json.Number); ok {
			context, err := n.Int64()
			if err != nil {
				return nil, fmt.Errorf("%s: context_window: %w", id, err)
			}
			row.Context = new(int(context))
		}
		prices, ok := model.args["prices"].(call)
		if !ok || prices.name != "ModelPrice" {
			return nil, fmt.Errorf("%s: prices are %v, of a kind that nothing here reads", id, model.args["prices"])
		}
		for name, value := range prices.args {
			price, ok := value.(call)
			number, plain := price.args["0"].(string)
			if !ok || price.name != "Decimal" || !plain {
				return nil, fmt.Errorf("%s: %s is %v, of a kind that nothing here reads", id, name, value)
			}
			row.Prices[name] = json.Number(number)
		}
		kept = append(kept, row)
	}
	return lines(kept)
}

// names are the texts of a clause that says which names a row is of.
func names(clause any) (all []string) {
	switch v := clause.(type) {
	case string:
		return []string{v}
	case []any:
		for _, each := range v {
			all = append(all, names(each)...)
		}
	case call:
		for _, name := range []string{"equals", "contains", "starts_with", "or_"} {
			all = append(all, names(v.args[name])...)
		}
	}
	return all
}
