package azureopenai

import "net/http"

// responseStream numbers the events of a streamed response.
type responseStream struct {
	x        *exchange
	sequence int
}

// streamResponse sends a finished response as if it came about now.
func (x *exchange) streamResponse(final *response) error {
	s := &responseStream{x: x}
	x.errorEvent = func() []byte {
		return s.format("error", `"code":"server_error","message":`+quote("The server had an error processing your request.")+`,"param":null`)
	}
	x.openStream(http.StatusOK)
	begun := storedResponse{final: *final, state: "in_progress"}
	response := `"response":` + string(encode(begun.view()))
	if err := s.send("response.created", response); err != nil {
		return err
	}
	if err := s.send("response.in_progress", response); err != nil {
		return err
	}
	for i := range final.Output {
		if err := s.item(i, &final.Output[i]); err != nil {
			return err
		}
	}
	return x.lastEvent(s.format("response."+final.Status, `"response":`+string(encode(final))))
}

func (s *responseStream) format(kind, members string) []byte {
	e := "event: " + kind + "\ndata: {\"type\":\"" + kind + "\",\"sequence_number\":" + itoa(s.sequence) + "," + members + "}\n\n"
	s.sequence++
	return []byte(e)
}

func (s *responseStream) send(kind, members string) error {
	return s.x.event(s.format(kind, members))
}

func (s *responseStream) item(index int, item *outputItem) error {
	begun := *item
	if item.Type != "reasoning" {
		begun.Status = "in_progress"
	}
	if item.Content != nil {
		begun.Content = []contentItem{}
	}
	if item.Arguments != nil {
		begun.Arguments = new(string)
	}
	at := `"output_index":` + itoa(index)
	if err := s.send("response.output_item.added", at+`,"item":`+string(encode(begun))); err != nil {
		return err
	}
	within := at + `,"item_id":` + quote(item.ID)
	var err error
	switch item.Type {
	case "message":
		err = s.text(within+`,"content_index":0`, item.Content[0].Text)
	case "function_call":
		err = s.arguments(within, *item.Arguments)
	}
	if err != nil {
		return err
	}
	return s.send("response.output_item.done", at+`,"item":`+string(encode(item)))
}

func (s *responseStream) text(at, text string) error {
	if err := s.send("response.content_part.added", at+`,"part":`+string(encode(outputText("")))); err != nil {
		return err
	}
	if err := s.deltas("response.output_text.delta", at+`,"logprobs":[]`, text); err != nil {
		return err
	}
	if err := s.send("response.output_text.done", at+`,"logprobs":[],"text":`+quote(text)); err != nil {
		return err
	}
	return s.send("response.content_part.done", at+`,"part":`+string(encode(outputText(text))))
}

func (s *responseStream) arguments(at, arguments string) error {
	if err := s.deltas("response.function_call_arguments.delta", at, arguments); err != nil {
		return err
	}
	return s.send("response.function_call_arguments.done", at+`,"arguments":`+quote(arguments))
}

func (s *responseStream) deltas(kind, at, text string) error {
	for text != "" {
		n := nextToken(text)
		if err := s.send(kind, at+`,"delta":`+quote(text[:n])); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}
