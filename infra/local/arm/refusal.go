package arm

import (
	"fmt"
	"net/http"
	"strings"
)

// A Refusal is an error answer in ARM's shape, {"error":{"code","message"}}. The messages are Azure's, as public issues
// of 2021 to 2026 quote them, except where a comment says unverified.
type Refusal struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

var (
	errNoToken = &Refusal{http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."}

	errNoVersion = &Refusal{http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."}
)

func badToken(err error) *Refusal { // the reason is worded here
	return &Refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: " + err.Error()}
}

func invalidVersion(version string, supported []string) *Refusal {
	return &Refusal{http.StatusBadRequest, "InvalidApiVersionParameter",
		fmt.Sprintf("The api-version '%s' is invalid. The supported versions are '%s'.", version, strings.Join(supported, ","))}
}

func invalidContent(message string) *Refusal {
	return &Refusal{http.StatusBadRequest, "InvalidRequestContent", message}
}

func subscriptionNotFound(id string) *Refusal {
	return &Refusal{http.StatusNotFound, "SubscriptionNotFound", fmt.Sprintf("The subscription '%s' could not be found.", id)}
}

func groupNotFound(name string) *Refusal {
	return &Refusal{http.StatusNotFound, "ResourceGroupNotFound", fmt.Sprintf("Resource group '%s' could not be found.", name)}
}

func resourceNotFound(kind, name, group string) *Refusal {
	return &Refusal{http.StatusNotFound, "ResourceNotFound", fmt.Sprintf("The Resource '%s/%s' under resource group '%s' was not found. "+
		"For more details please go to https://aka.ms/ARMResourceNotFoundFix", kind, name, group)}
}

func locationNotAvailable(location string, regions []Region) *Refusal {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.Name
	}
	return &Refusal{http.StatusBadRequest, "LocationNotAvailableForResourceType", fmt.Sprintf("The provided location '%s' is not available for "+
		"resource type 'Microsoft.CognitiveServices/accounts'. List of available regions for the resource type is '%s'.", location, strings.Join(names, ","))}
}

func softDeleted(id string) *Refusal {
	return &Refusal{http.StatusConflict, "FlagMustBeSetForRestore", fmt.Sprintf("An existing resource with ID '%s' has been soft-deleted. To restore the "+
		"resource, you must specify 'restore' to be 'true' in the property. If you don't want to restore existing resource, please purge it first.", id)}
}

func domainInUse(name string) *Refusal {
	return &Refusal{http.StatusConflict, "CustomDomainInUse", domainInUseMessage(name)}
}

func domainInUseMessage(name string) string {
	return fmt.Sprintf("Please pick a different name. The subdomain name '%s' is not available as it's already used by a resource. If the "+
		"resource using the name was deleted in the last 48 hours, you may need to purge the deleted resource. Learn more at "+
		"\"https://go.microsoft.com/fwlink/?linkid=2215493\"", name)
}

func requestConflict(parent string) *Refusal {
	return &Refusal{http.StatusConflict, "RequestConflict",
		fmt.Sprintf("Another operation is being performed on the parent resource '%s'. Please try again later.", parent)}
}

func nestedResources(ids []string) *Refusal {
	return &Refusal{http.StatusConflict, "CannotDeleteResource", fmt.Sprintf("Cannot delete resource while nested resources exist. Some existing nested "+
		"resource IDs include: '%s'. Please delete all nested resources before deleting this resource.", strings.Join(ids, ", "))}
}

func modelNotSupported(name, version string) *Refusal {
	return &Refusal{http.StatusBadRequest, "DeploymentModelNotSupported",
		fmt.Sprintf("The model 'Format: OpenAI, Name: %s, Version: %s' of account deployment is not supported.", name, version)}
}

func modelDeprecated(name, version, since string) *Refusal {
	return &Refusal{http.StatusBadRequest, "ServiceModelDeprecated",
		fmt.Sprintf("The model 'Format:OpenAI,Name:%s,Version:%s' has been deprecated since %s 00:00:00.", name, version, since)}
}

func skuNotSupported(sku, name, version string) *Refusal {
	return &Refusal{http.StatusBadRequest, "InvalidResourceProperties",
		fmt.Sprintf("The specified SKU '%s' of account deployment is not supported by the model '%s' version: '%s'.", sku, name, version)}
}

func insufficientQuota(needed int, quota string, used, limit int) *Refusal {
	return &Refusal{http.StatusBadRequest, "InsufficientQuota", fmt.Sprintf("This operation require %d new capacity in quota %s, which is bigger than the "+
		"current available capacity %d. The current quota usage is %d and the quota limit is %d for quota %s.",
		needed, quota, limit-used, used, limit, quota)}
}
