package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	rm "aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/catalog"
)

func (s *state) makeGroup(ctx context.Context) error {
	_, err := s.maker.Azure.Put(ctx, s.groupPath(), map[string]any{"location": s.Location, "tags": map[string]any{Tag: s.Name}})
	return err
}

func (s *state) makeAccount(ctx context.Context) (err error) {
	s.account, err = s.maker.Azure.Put(ctx, s.accountPath(), s.accountBody())
	if err == nil && !isReady(s.account) {
		return fmt.Errorf("the resource was left in the state %s", rm.Text(s.account, "properties", "provisioningState"))
	}
	return err
}

func (s *state) accountBody() map[string]any {
	properties := map[string]any{
		"customSubDomainName": s.Name, // Entra's tokens are not taken on a region's shared address
		"publicNetworkAccess": "Enabled",
	}
	if s.Deleted == Restore {
		properties["restore"] = true
	}
	return map[string]any{
		"location": s.Location, "kind": s.Kind, "sku": map[string]any{"name": "S0"}, "tags": map[string]any{Tag: s.Name}, "properties": properties,
	}
}

// planDeployments holds what is wanted against what is there and what may be had.
func (s *state) planDeployments(ctx context.Context, p *Plan) error {
	kind := s.Kind
	if s.account != nil {
		kind = rm.Text(s.account, "kind")
	}
	offer, err := readOffer(ctx, s.maker.Azure, s.Subscription, s.Location, kind)
	if err != nil {
		return explain(err)
	}
	wanted := s.Deployments
	if wanted == nil {
		wanted, p.Warnings = offer.chooseDefaults(s.deployments)
	}
	var faults []error
	for _, d := range wanted {
		there := s.deployments[d.Name]
		if there != nil && isReady(there) && !differs(d.Body, there) {
			continue
		}
		note := offer.quotaNote(d, there)
		if err := offer.check(d, there); err != nil {
			faults = append(faults, fmt.Errorf("deployment %s: %w", d.Name, err))
			continue
		}
		verb := "make"
		if there != nil {
			verb = "change"
		}
		p.Steps = append(p.Steps, Step{
			What: verb + " the deployment " + d.String(), Note: note, do: func(ctx context.Context) error { return s.makeDeployment(ctx, d) },
		})
		if kindOf(d.sku()) == "provisioned" {
			p.Charges = append(p.Charges, fmt.Sprintf("%s: %d provisioned units, charged for every hour from now on until the deployment is deleted, used or not: %s",
				d.Name, d.capacity(), s.hourlyCost(ctx, d)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.deployments)) {
		p.There = append(p.There, "deployment "+deploymentOf(s.deployments[name]).String())
	}
	return errors.Join(faults...)
}

// hourlyCost is what a provisioned deployment costs in an hour. No source states a price for all, so it has to be in the
// secret.
func (s *state) hourlyCost(ctx context.Context, d Deployment) string {
	const unknown = "what a unit costs you is not known here; the Azure secret may say it, as prices.MODEL.TYPE.ptu_hour"
	text, _, err := s.maker.Secret.Read(ctx)
	if err != nil {
		return unknown
	}
	secret, err := azuresecret.Parse(text)
	if err != nil {
		return unknown
	}
	prices := secret.Catalog()
	model, err := prices.Lookup(d.model())
	if err != nil {
		return unknown
	}
	price, _ := prices.Price(model, catalog.DeploymentType(d.sku()), catalog.TermsOn(time.Now()))
	if price == nil || !price.PTUHour.Known {
		return unknown
	}
	return fmt.Sprintf("%.2f USD an hour at the Azure secret's price", float64(d.capacity())*price.PTUHour.USD)
}

// deploymentOf reads a deployment as Azure describes it.
func deploymentOf(row map[string]any) Deployment {
	return Deployment{rm.Text(row, "name"), row}
}

func (s *state) makeDeployment(ctx context.Context, d Deployment) error {
	made, err := s.maker.Azure.Put(ctx, s.accountPath()+"/deployments/"+d.Name, d.Body)
	if err != nil {
		return err
	}
	if !isReady(made) {
		return fmt.Errorf("the deployment was left in the state %s", rm.Text(made, "properties", "provisioningState"))
	}
	return nil
}

// planSecret adds the step that writes the secret, if it does not say all of it already.
func (s *state) planSecret(ctx context.Context, p *Plan) error {
	secret := s.maker.Secret
	text, found, err := secret.Read(ctx)
	if err != nil {
		return err
	}
	p.After = noticed()
	what := fmt.Sprintf("write %s into the secret %s in AWS %s", s.Name, secret.ID, secret.Region)
	switch {
	case !found:
		what = fmt.Sprintf("make the secret %s in AWS %s, with %s in it", secret.ID, secret.Region, s.Name)
		p.After = "The stack comes next: make deploy. " + noticed()
	case len(p.Steps) == 0:
		e, err := s.entry(ctx)
		if err != nil {
			return explain(err)
		}
		merged, err := e.mergeInto(text)
		if err != nil {
			return err
		}
		if string(merged) == string(text) {
			p.There = append(p.There, fmt.Sprintf("secret %s in AWS %s, with %s in it", secret.ID, secret.Region, s.Name))
			return nil
		}
	}
	if f := s.federated; f != nil && f.Delay > 0 {
		p.add(fmt.Sprintf("wait %.0f minutes, until Entra knows of it", f.Delay.Minutes()), func(ctx context.Context) error { return s.maker.Azure.Pause(ctx, f.Delay) })
	}
	p.add(what, s.writeSecret)
	return nil
}

func (s *state) writeSecret(ctx context.Context) error {
	e, err := s.entry(ctx)
	if err != nil {
		return err
	}
	return s.maker.Secret.Update(ctx, e.mergeInto)
}

// entry reads what the secret is to say: the address, the keys, and the deployments that can be used now.
func (s *state) entry(ctx context.Context) (entry, error) {
	azure := s.maker.Azure
	account, err := azure.Get(ctx, s.accountPath())
	if err != nil {
		return entry{}, err
	}
	e := entry{name: s.Name, endpoint: endpointOf(account)}
	if s.federated != nil {
		e.entra = s.federated.entra()
	} else if off, _ := rm.Member(account, "properties", "disableLocalAuth").(bool); !off {
		keys, err := azure.Post(ctx, s.accountPath()+"/listKeys", nil)
		if err != nil {
			return entry{}, err
		}
		e.keys = []string{rm.Text(keys, "key1"), rm.Text(keys, "key2")}
	}
	rows, err := azure.List(ctx, s.accountPath()+"/deployments")
	if err != nil {
		return entry{}, err
	}
	for _, row := range rows {
		if d := deploymentOf(row); isReady(row) {
			e.deployments = append(e.deployments, secretDeployment{d.Name, d.model(), d.sku(), d.capacity(), d.version()})
		}
	}
	return e, nil
}

// endpointOf is the address for OpenAI's API. An AIServices resource has others besides.
func endpointOf(account map[string]any) string {
	endpoint := rm.Text(account, "properties", "endpoints", "OpenAI Language Model Instance API")
	if endpoint == "" {
		endpoint = rm.Text(account, "properties", "endpoint")
	}
	return strings.TrimRight(endpoint, "/")
}
