package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

// offer is what a subscription may deploy in a region.
type offer struct {
	location string
	models   []model
	quotas   map[string]*quota // by the usage's name
}

type model struct {
	format, name, version string
	isDefault             bool
	retired               bool
	types                 []modelType
}

type modelType struct {
	sku, usage string
	minimum    int
	step       int
}

type quota struct{ limit, used int }

func (q *quota) left() int { return max(q.limit-q.used, 0) }

const standardCapacity = 50 // thousands of tokens a minute, for most models

// readOffer asks for the models and quotas of a region. Models have a row for each kind of account.
func readOffer(ctx context.Context, client *rm.Client, subscription, location, kind string) (*offer, error) {
	at := "/subscriptions/" + subscription + "/providers/Microsoft.CognitiveServices/locations/" + location
	rows, err := client.List(ctx, at+"/models")
	if err != nil {
		return nil, err
	}
	o := &offer{location: location, quotas: make(map[string]*quota)}
	for _, row := range rows {
		if !strings.EqualFold(rm.Text(row, "kind"), kind) {
			continue
		}
		m := model{
			format: rm.Text(row, "model", "format"), name: rm.Text(row, "model", "name"), version: rm.Text(row, "model", "version"),
			retired: isRetired(row),
		}
		m.isDefault, _ = rm.Member(row, "model", "isDefaultVersion").(bool)
		skus, _ := rm.Member(row, "model", "skus").([]any)
		for _, s := range skus {
			sku, _ := s.(map[string]any)
			m.types = append(m.types, modelType{rm.Text(sku, "name"), rm.Text(sku, "usageName"),
				rm.Int(sku, "capacity", "minimum"), rm.Int(sku, "capacity", "step")})
		}
		o.models = append(o.models, m)
	}
	usages, err := client.List(ctx, at+"/usages")
	if err != nil {
		return nil, err
	}
	for _, row := range usages {
		o.quotas[rm.Text(row, "name", "value")] = &quota{rm.Int(row, "limit"), rm.Int(row, "currentValue")}
	}
	return o, nil
}

// isRetired reports whether no deployment of a model can be made any more.
func isRetired(row map[string]any) bool {
	if rm.Text(row, "model", "lifecycleStatus") == "Deprecated" {
		return true
	}
	day, err := time.Parse(time.RFC3339, rm.Text(row, "model", "deprecation", "inference"))
	return err == nil && day.Before(time.Now())
}

// find returns a model's version, or the one that a deployment gets which names none: the default, else the newest.
func (o *offer) find(name, version string) (found *model) {
	for i := range o.models {
		m := &o.models[i]
		if m.format != "OpenAI" || m.name != name || version != "" && version != m.version {
			continue
		}
		if found == nil || m.isDefault && !found.isDefault || m.isDefault == found.isDefault && m.version > found.version {
			found = m
		}
	}
	return found
}

func (m *model) typeNamed(sku string) *modelType {
	i := slices.IndexFunc(m.types, func(t modelType) bool { return t.sku == sku })
	if i < 0 {
		return nil
	}
	return &m.types[i]
}

// left is the quota that is left for a deployment that takes the place of another, which is nil if there is none.
func (o *offer) left(t *modelType, there map[string]any) (left int, known bool) {
	q := o.quotas[t.usage]
	if q == nil {
		return 0, false
	}
	left = q.left()
	if there != nil && rm.Text(there, "sku", "name") == t.sku {
		left += rm.Int(there, "sku", "capacity")
	}
	return left, true
}

// quotaNote says how much of the quota is left before a deployment is made, "" where that is not known.
func (o *offer) quotaNote(d Deployment, there map[string]any) string {
	m := o.find(d.model(), d.version())
	if m == nil || m.typeNamed(d.sku()) == nil {
		return ""
	}
	t := m.typeNamed(d.sku())
	left, known := o.left(t, there)
	if !known {
		return ""
	}
	return fmt.Sprintf("%d of %d left", left, o.quotas[t.usage].limit)
}

// take counts a deployment against its quota, for those that come after it.
func (o *offer) take(t *modelType, capacity int, there map[string]any) {
	if q := o.quotas[t.usage]; q != nil {
		q.used += capacity
		if there != nil && rm.Text(there, "sku", "name") == t.sku {
			q.used -= rm.Int(there, "sku", "capacity")
		}
	}
}

// check returns why Azure would refuse a deployment, in words that say what there is instead. What the lists do not cover,
// such as models that were fine-tuned, is left to Azure.
func (o *offer) check(d Deployment, there map[string]any) error {
	if d.format() != "OpenAI" || strings.Contains(d.model(), ".ft-") || rm.Text(d.Body, "properties", "model", "source") != "" {
		return nil
	}
	m := o.find(d.model(), d.version())
	if m == nil || m.retired {
		return o.noModel(d, m)
	}
	t := m.typeNamed(d.sku())
	if t == nil {
		return fmt.Errorf("%s %s cannot be deployed as %s in %s: it can as %s", m.name, m.version, d.sku(), o.location, m.typeNames())
	}
	if t.step > 0 && t.minimum > 0 && strings.Contains(t.sku, "Provisioned") && (d.capacity() < t.minimum || d.capacity()%max(t.step, 1) != 0) {
		return fmt.Errorf("%s as %s takes at least %d units, in steps of %d: %d is neither", m.name, t.sku, t.minimum, t.step, d.capacity())
	}
	if left, known := o.left(t, there); known && d.capacity() > left {
		return o.noQuota(d, m, t, left)
	}
	o.take(t, d.capacity(), there)
	return nil
}

func (o *offer) noModel(d Deployment, retired *model) error {
	if retired != nil {
		return fmt.Errorf("%s %s is retired. In %s there are %s", retired.name, retired.version, o.location, o.modelNames(d.sku()))
	}
	var versions []string
	for _, m := range o.models {
		if m.name == d.model() && !m.retired {
			versions = append(versions, m.version)
		}
	}
	if len(versions) > 0 {
		return fmt.Errorf("%s has no version %s in %s: it has %s. Leave version out for the default one",
			d.model(), d.version(), o.location, strings.Join(versions, ", "))
	}
	return fmt.Errorf("%s is not offered to this subscription in %s. As %s there are %s; another LOCATION may have it",
		d.model(), o.location, d.sku(), o.modelNames(d.sku()))
}

func (o *offer) noQuota(d Deployment, m *model, t *modelType, left int) error {
	var instead []string
	for i := range m.types {
		other := &m.types[i]
		if n, known := o.left(other, nil); known && n > 0 && other.usage != t.usage && kindOf(other.sku) == kindOf(t.sku) {
			instead = append(instead, fmt.Sprintf("%s has %d", other.sku, n))
		}
	}
	remedy := fmt.Sprintf("lower capacity to %d", left)
	if left == 0 {
		remedy = "take another model or LOCATION"
	}
	if len(instead) > 0 {
		remedy += ", or take another type (" + strings.Join(instead, ", ") + ")"
	}
	return fmt.Errorf("%s as %s needs a quota of %d, and %d is left in %s (%s): %s, or ask for more at https://aka.ms/oai/quotaincrease",
		m.name, t.sku, d.capacity(), left, o.location, t.usage, remedy)
}

// kindOf is what a deployment type is for: "batch", "provisioned" or "online".
func kindOf(sku string) string {
	switch {
	case strings.HasSuffix(sku, "Batch"):
		return "batch"
	case strings.Contains(sku, "Provisioned"):
		return "provisioned"
	}
	return "online"
}

func (m *model) typeNames() string {
	names := make([]string, len(m.types))
	for i, t := range m.types {
		names[i] = t.sku
	}
	return strings.Join(names, ", ")
}

// modelNames are the models that can be deployed as a type, or at all if none can.
func (o *offer) modelNames(sku string) string {
	as, all := make(map[string]bool), make(map[string]bool)
	for _, m := range o.models {
		if m.retired || m.format != "OpenAI" {
			continue
		}
		all[m.name] = true
		if m.typeNamed(sku) != nil {
			as[m.name] = true
		}
	}
	if len(as) == 0 {
		as = all
	}
	if len(as) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(as)), ", ")
}

// defaults are what is deployed where no file says: for each purpose the first model that the region has and that has
// quota. They are models sold today (shared/catalog), cheaper and newer ones first. The batch models are those for
// which the catalog has a batch price.
var defaults = []struct {
	purpose, sku, suffix string
	models               []string
}{
	{"chat", "GlobalStandard", "", []string{"gpt-5.4-mini", "gpt-6-luna", "gpt-4.1-mini", "gpt-4o-mini"}},
	{"embeddings", "GlobalStandard", "", []string{"text-embedding-3-small", "text-embedding-3-large"}},
	{"batch", "GlobalBatch", "-batch", []string{"gpt-5.4-mini", "gpt-4.1-mini", "gpt-4o-mini"}},
}

// chooseDefaults returns the default deployments that are not there yet, and a warning for each purpose that none can be
// made for. there has the deployments by name.
func (o *offer) chooseDefaults(there map[string]map[string]any) (chosen []Deployment, warnings []string) {
purposes:
	for _, purpose := range defaults {
		for _, name := range purpose.models {
			if d := there[name+purpose.suffix]; d != nil {
				if !isReady(d) { // it failed, or was left under way
					chosen = append(chosen, newDeployment(name+purpose.suffix, name, rm.Text(d, "properties", "model", "version"), rm.Text(d, "sku", "name"), rm.Int(d, "sku", "capacity")))
				}
				continue purposes
			}
		}
		d, reason := o.firstWithQuota(purpose.models, purpose.sku, purpose.suffix)
		if reason != "" {
			warnings = append(warnings, fmt.Sprintf("no deployment for %s: %s", purpose.purpose, reason))
			continue
		}
		chosen = append(chosen, d)
	}
	return chosen, warnings
}

func (o *offer) firstWithQuota(models []string, sku, suffix string) (d Deployment, reason string) {
	reason = fmt.Sprintf("none of %s can be deployed as %s in %s", strings.Join(models, ", "), sku, o.location)
	for _, name := range models {
		m := o.find(name, "")
		if m == nil || m.retired || m.typeNamed(sku) == nil {
			continue
		}
		left, known := o.left(m.typeNamed(sku), nil)
		if known && left == 0 {
			reason = fmt.Sprintf("no quota is left for %s as %s in %s; ask for more at https://aka.ms/oai/quotaincrease", strings.Join(models, ", "), sku, o.location)
			continue
		}
		if !known {
			left = standardCapacity
		}
		return newDeployment(name+suffix, name, m.version, sku, min(standardCapacity, left)), ""
	}
	return Deployment{}, reason
}
