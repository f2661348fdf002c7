// Chat serves chat completions, responses and the list of models.
package main

import (
	"aoai-bridge/shared/bootstrap"
	"aoai-bridge/shared/inference"
)

func main() {
	f := bootstrap.New("chat")
	http := inference.New(f.Azure, f.Env.FirstByteTimeout).Chat()
	direct := inference.New(f.Azure, 0).Chat()
	f.Serve(http, direct, inference.ChatPath)
}
