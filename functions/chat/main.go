// Chat serves chat completions, responses and the list of models.
package main

import (
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/inference"
)

func main() {
	f := bootstrap.New("chat")
	api := inference.New(f.Azure, f.Env.FirstByteTimeout).Chat()
	f.Serve(api, api.Direct(), inference.ChatPath)
}
