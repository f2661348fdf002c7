package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// litellmRow is what is read of a row of LiteLLM's model_prices_and_context_window.json. Prices are in USD
// per token.
type litellmRow struct {
	Key              string                 `json:"key"` // "azure/eu/gpt-5.1"
	Mode             string                 `json:"mode,omitempty"`
	AliasOf          string                 `json:"alias_of,omitempty"`
	MaxInput         *int                   `json:"max_input_tokens,omitempty"`
	MaxOutput        *int                   `json:"max_output_tokens,omitempty"`
	Input            []string               `json:"supported_modalities,omitempty"`
	Output           []string               `json:"supported_output_modalities,omitempty"`
	Endpoints        []string               `json:"supported_endpoints,omitempty"`
	Retirement       string                 `json:"deprecation_date,omitempty"`
	RetirementSource string                 `json:"deprecation_source,omitempty"`
	Source           string                 `json:"source,omitempty"`
	Prices           map[string]json.Number `json:"prices,omitempty"`
}

// The modes of models that are paid by the token of text.
var textModes = []string{"chat", "responses", "embedding", "realtime", "completion"}

// priceOfText matches the members that have a price of text by the token:
// what, above which length, and on which terms.
var priceOfText = regexp.MustCompile(`^(input|output|cache_read_input|cache_creation_input)(?:_cost_per_token|_token_cost)(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority))?$`)

// ofAzure reports whether a row of LiteLLM is of a model of Azure OpenAI. The rows of "azure_ai/" are of
// every vendor in Foundry.
func ofAzure(key string) bool {
	return strings.HasPrefix(key, "azure/") || strings.HasPrefix(key, "azure_ai/gpt-")
}

// trimLitellm keeps the Azure rows. Of those that are not paid by the token of text, only the mode.
func trimLitellm(data []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	var kept []litellmRow
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !ofAzure(key) {
			continue
		}
		row := litellmRow{}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(all[key], &row); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(all[key], &members); err != nil {
			return nil, err
		}
		if row.AliasOf == "" && !slices.Contains(textModes, row.Mode) {
			row = litellmRow{Mode: row.Mode}
		}
		row.Key = key
		row.Source = page(row.Source)
		row.RetirementSource = page(row.RetirementSource)
		row.Prices = map[string]json.Number{}
		for name, value := range members {
			if slices.Contains(textModes, row.Mode) && priceOfText.MatchString(name) {
				row.Prices[name] = json.Number(value)
			}
		}
		kept = append(kept, row)
	}
	return lines(kept)
}

// page is an address without its query.
func page(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}
