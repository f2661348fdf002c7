package provision

import (
	"errors"
	"fmt"
	"strings"

	rm "aoai-bridge/infra/azure/resourcemanager"
)

// remedies are what to do about an error of Azure's, by its code. The codes are those that public issues quote.
var remedies = map[string]string{
	"AuthorizationFailed": "this sign-in may not do that: have it given the role Contributor for the resource group or the subscription, or have " +
		"somebody run this who has it. A role that was given just now takes some minutes",
	"AuthenticationFailed":                "sign in again, for example with az login",
	"InvalidAuthenticationToken":          "sign in again, for example with az login",
	"RequestDisallowedByPolicy":           "a policy of your company forbids it: ask who administers the subscription",
	"RequestDisallowedByAzure":            "Azure does not let this subscription use the region: choose another LOCATION",
	"InsufficientQuota":                   "lower the capacity, choose another type or LOCATION, or ask for more at https://aka.ms/oai/quotaincrease",
	"DeploymentModelNotSupported":         "choose another model, version or LOCATION",
	"ServiceModelDeprecated":              "choose a newer model or version",
	"InvalidResourceProperties":           "choose another type, version or LOCATION",
	"LocationNotAvailableForResourceType": "choose another LOCATION",
	"InvalidResourceGroupLocation":        "choose another GROUP, or the group's LOCATION",
	"CustomDomainInUse":                   "choose another NAME",
	"SubscriptionNotFound":                "choose another SUBSCRIPTION, or sign in to its tenant",
	"MissingSubscriptionRegistration":     "register the provider: az provider register --namespace Microsoft.CognitiveServices",
	"RequestConflict":                     "another change of the resource has not ended for five minutes: run this again later",
}

// roles are what it takes to do what Contributor for a resource group does not let one do, by the action in Azure's refusal.
var roles = map[string]string{
	"Microsoft.Authorization/roleAssignments/write": "this sign-in may not give roles: have it given User Access Administrator or Owner for the resource, " +
		"or have somebody run this who has it",
	"Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts/delete": "this sign-in may not purge: that takes Contributor or Cognitive " +
		"Services Contributor for the whole subscription; without it the name is free after 48 hours",
}

// explain adds to an error of Azure's what to do about it.
func explain(err error) error {
	var e *rm.Error
	if !errors.As(err, &e) {
		return err
	}
	remedy, known := remedies[e.Code]
	if e.Code == "AuthorizationFailed" {
		for action, role := range roles {
			if strings.Contains(e.Message, action) {
				remedy = role
			}
		}
	}
	switch {
	case known:
		return fmt.Errorf("%s (Azure says %w)", remedy, err)
	case e.Status >= 500:
		return fmt.Errorf("the failure is Azure's: run this again, which goes on where this run ended (Azure says %w)", err)
	}
	return fmt.Errorf("refused (Azure says %w)", err)
}
