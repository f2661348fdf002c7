package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	rm "aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/azure/webidentity"
)

// Federation has the functions of a stack sign in to Azure without a key: AWS issues their roles tokens, which an identity
// in Azure trusts.
type Federation struct {
	AWS   *webidentity.Account
	Stack string // its name, with which those of its roles begin
	// Delay is how long Entra may take to know of a new trust, and Azure of a new role.
	Delay time.Duration
	// Authority is Entra's address where it is not the public cloud's.
	Authority string
}

// EntraDelay is how long to wait in Azure's public cloud. Microsoft says that a new credential is known "in a few minutes".
const EntraDelay = 5 * time.Minute

const (
	// audience is what Entra wants to read in the tokens:
	// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-user-assigned-managed-identity
	audience = "api://AzureADTokenExchange"
	// openAIContributor is the built-in role Cognitive Services OpenAI Contributor. Cognitive Services OpenAI User has no
	// action that makes a file or a batch.
	openAIContributor = "a001fd3d-188f-4b5d-821b-7da978bf7442"
	// maxCredentials is Entra's limit for one identity.
	maxCredentials = 20
)

// callers are the functions that call Azure. Each has a role STACK-REGION-function of its own (template.yaml).
var callers = []string{"chat", "embeddings", "batch-submit", "batch-status"}

// federated is what there is of a federation, and what its steps find out.
type federated struct {
	*state
	Federation
	issuer   string         // of AWS's tokens; "" until the account issues any
	identity map[string]any // nil where there is none yet
}

func (f *federated) identityPath() string {
	return f.groupPath() + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + f.identityName()
}

func (s *state) identityName() string { return s.Name + "-aws" }

// planFederation adds what makes the resource open for the functions' roles.
func (s *state) planFederation(ctx context.Context, p *Plan) (err error) {
	f := &federated{state: s, Federation: *s.Federation}
	s.federated = f
	if f.issuer, err = f.AWS.Issuer(ctx); err != nil {
		return err
	}
	if f.issuer == "" {
		p.Steps = append(p.Steps, Step{
			What:   "enable outbound web identity federation in the AWS account " + f.AWS.ID,
			Ask:    "Enable it? Roles of the account that have sts:GetWebIdentityToken can then prove outside of AWS who they are.",
			Needed: true,
			do:     func(ctx context.Context) (err error) { f.issuer, err = f.AWS.Enable(ctx); return err },
		})
	}
	if s.group != nil {
		if f.identity, err = s.maker.get(ctx, f.identityPath()); err != nil {
			return explain(err)
		}
	}
	if f.identity == nil {
		p.add("make the identity "+f.identityName(), f.makeIdentity)
	}
	if err := f.planCredentials(ctx, p); err != nil {
		return explain(err)
	}
	assigned := false
	if f.identity != nil && s.account != nil {
		assignment, err := s.maker.get(ctx, f.assignmentPath())
		if err != nil {
			return explain(err)
		}
		assigned = assignment != nil
	}
	if !assigned {
		p.add("give the identity the role Cognitive Services OpenAI Contributor for the resource", f.assignRole)
	}
	return nil
}

func (f *federated) makeIdentity(ctx context.Context) (err error) {
	f.identity, err = f.maker.Azure.Put(ctx, f.identityPath(), map[string]any{"location": f.Location, "tags": map[string]any{Tag: f.Name}})
	return err
}

// planCredentials adds a credential for each role that the identity does not trust yet. They are made one after the other,
// since an identity takes no two at once.
func (f *federated) planCredentials(ctx context.Context, p *Plan) error {
	var rows []map[string]any
	if f.identity != nil {
		var err error
		if rows, err = f.maker.Azure.List(ctx, f.identityPath()+"/federatedIdentityCredentials"); err != nil {
			return err
		}
	}
	count := len(rows)
	for _, function := range callers {
		role := f.Stack + "-" + f.AWS.Region + "-" + function
		subject := f.AWS.RoleARN(role)
		if f.trusts(rows, subject) {
			continue
		}
		if !hasName(rows, role) {
			count++
		}
		p.add("have it trust the role "+role, func(ctx context.Context) error {
			_, err := f.maker.Azure.Put(ctx, f.identityPath()+"/federatedIdentityCredentials/"+role, map[string]any{"properties": map[string]any{
				"issuer": f.issuer, "subject": subject, "audiences": []string{audience},
			}})
			return err
		})
	}
	if count > maxCredentials {
		return fmt.Errorf("the identity %s would trust %d roles, and Entra allows %d: delete some of its federated credentials, or choose another NAME",
			f.identityName(), count, maxCredentials)
	}
	return nil
}

func (f *federated) trusts(rows []map[string]any, subject string) bool {
	for _, row := range rows {
		audiences, _ := rm.Member(row, "properties", "audiences").([]any)
		if rm.Text(row, "properties", "issuer") == f.issuer && rm.Text(row, "properties", "subject") == subject && len(audiences) == 1 && audiences[0] == audience {
			return true
		}
	}
	return false
}

func hasName(rows []map[string]any, name string) bool {
	for _, row := range rows {
		if strings.EqualFold(rm.Text(row, "name"), name) {
			return true
		}
	}
	return false
}

// assignmentPath is always the same for an identity and a resource, so that a second run finds the first one's assignment.
func (f *federated) assignmentPath() string {
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ToLower(f.accountPath()+" "+rm.Text(f.identity, "properties", "principalId"))))
	return f.accountPath() + "/providers/Microsoft.Authorization/roleAssignments/" + name.String()
}

func (f *federated) assignRole(ctx context.Context) error {
	_, err := f.maker.Azure.Put(ctx, f.assignmentPath(), map[string]any{"properties": map[string]any{
		"principalId":      rm.Text(f.identity, "properties", "principalId"),
		"principalType":    "ServicePrincipal", // otherwise Azure looks for it in the directory, which learns of it minutes later
		"roleDefinitionId": "/subscriptions/" + f.Subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + openAIContributor,
	}})
	return err
}

// entra is how the secret has the functions sign in.
func (f *federated) entra() map[string]string {
	e := map[string]string{"tenant_id": rm.Text(f.identity, "properties", "tenantId"), "client_id": rm.Text(f.identity, "properties", "clientId")}
	if f.Authority != "" {
		e["authority_host"] = f.Authority
	}
	return e
}

// PlanKeysOff returns how to switch off the keys of a resource, which the functions do not use any more.
func (m *Maker) PlanKeysOff(ctx context.Context, r Request) (*Plan, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	p := &Plan{}
	s, err := m.find(ctx, r, p)
	if err != nil {
		return nil, err
	}
	switch {
	case s.account == nil:
		return nil, fmt.Errorf("there is no resource %s in the resource group %s", s.Name, s.Group)
	case !isTagged(s.account):
		return nil, fmt.Errorf("the resource %s does not carry the tag %s: others may use its keys", s.Name, Tag)
	}
	p.There = append(p.There, "resource "+s.Name)
	if off, _ := rm.Member(s.account, "properties", "disableLocalAuth").(bool); off {
		p.There = append(p.There, "its keys are off")
		return p, nil
	}
	text, _, err := m.Secret.Read(ctx)
	if err != nil {
		return nil, err
	}
	if !(entry{name: s.Name, endpoint: endpointOf(s.account)}).signsInByEntra(text) {
		return nil, errors.New("the functions sign in with a key: run the command with FEDERATION=1 first, then make smoke")
	}
	p.Steps = append(p.Steps, Step{
		What: "switch off the keys of the resource " + s.Name, Needed: true,
		Ask: "Has make smoke passed since the functions sign in by Entra? Without keys and without that, nothing can call the resource.",
		do: func(ctx context.Context) error {
			return m.Azure.Patch(ctx, s.accountPath(), map[string]any{"properties": map[string]any{"disableLocalAuth": true}})
		},
	})
	return p, nil
}
