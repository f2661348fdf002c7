// Token-estimate says what requests take before they are sent.
package main

import (
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/estimateapi"
	"aoai-bridge/shared/inference"
)

func main() {
	go catalog.Embedded() // is read while the secrets are on their way
	f := bootstrap.New("token-estimate")
	api := inference.New(f.Azure, f.Env.FirstByteTimeout)
	estimateapi.New(f.Azure, nil).AddTo(api)
	f.Serve(api, api.Direct(), estimateapi.Path)
}
