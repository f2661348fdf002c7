package main

import (
	"encoding/json"
	"path/filepath"
	"strings"

	"aoai-bridge/shared/catalog"
)

// corrections is corrections.json: facts that the wheels have wrong, or do not have.
type corrections struct {
	Aliases     map[string]string                 `json:"aliases"`      // names that callers use
	RowNames    map[string]string                 `json:"row_names"`    // names that only the wheels use
	BatchModels []string                          `json:"batch_models"` // that Azure's list of Global Batch has
	Missing     map[catalog.DeploymentType]string `json:"missing"`
	LeftOut     []leftOut                         `json:"left_out"`
	Prices      []correction                      `json:"prices"`
	Promotions  []promotion                       `json:"promotions"`
	Models      []*catalog.Model                  `json:"models"`
	PTUs        []*catalog.PTU                    `json:"ptu"`
	Images      []*catalog.Images                 `json:"images"`
	Quotas      []*catalog.Quota                  `json:"enqueued_tokens"`
	Sources     map[string]catalog.Source         `json:"sources"`
}

// leftOut is a reason not to take the rows of a wheel whose key contains a text.
type leftOut struct {
	Match  string `json:"match"`
	Reason string `json:"reason"`
}

// correction sets prices of a model's rows of one type and tier, in all zones; null makes one unknown. Where the
// wheels have no such row it adds one.
type correction struct {
	Model  string                  `json:"model"`
	Type   catalog.DeploymentType  `json:"type"`
	Tier   catalog.Tier            `json:"tier"`
	Set    map[string]*json.Number `json:"set"` // by the names of kinds, see kinds
	Source string                  `json:"source"`
	Reason string                  `json:"reason"`
}

// promotion says when prices of the wheels end, and by which factors those after them differ.
type promotion struct {
	Models []string    `json:"models"`
	Until  string      `json:"until"` // the last day
	Input  json.Number `json:"input"` // of cached input and cache writes too
	Output json.Number `json:"output"`
	Source string      `json:"source"`
	Reason string      `json:"reason"`
}

func readCorrections(dir string) (*corrections, error) {
	all := new(corrections)
	return all, readJSON(filepath.Join(dir, "corrections.json"), all)
}

// leftOutReason returns why a row of a wheel is left out, or "".
func (c *corrections) leftOutReason(key string) string {
	for _, l := range c.LeftOut {
		if strings.Contains(key, l.Match) {
			return l.Reason
		}
	}
	return ""
}
