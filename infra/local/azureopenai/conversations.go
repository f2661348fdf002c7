package azureopenai

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
)

// storedConversation is a conversation of the responses API. That its errors and its lists are OpenAI's also on Azure
// is unverified.
type storedConversation struct {
	ID        string          `json:"id"`
	Object    string          `json:"object"`
	CreatedAt int64           `json:"created_at"`
	Metadata  json.RawMessage `json:"metadata"`

	items []conversationItem
}

// conversationItem is what a caller has added, with the id that it was given.
type conversationItem struct {
	id   string
	text json.RawMessage
}

type conversationStore struct {
	mu   sync.Mutex
	byID map[string]*storedConversation
}

// compact answers POST responses/compact. What it returns has nothing of the request in it but its length.
func (x *exchange) compact() error {
	var q struct {
		Input json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	input := countTokens(string(q.Input))
	return x.sendJSON(http.StatusOK, encode(map[string]any{
		"id": x.server.id("resp_", 48), "object": "response.compaction", "created_at": x.start.Unix(),
		"output": []map[string]string{{"id": x.server.id("cmp_", 48), "type": "compaction", "encrypted_content": "length " + itoa(len(q.Input))}},
		"usage":  map[string]int{"input_tokens": input, "output_tokens": 1, "total_tokens": input + 1},
	}))
}

func (x *exchange) createConversation() error {
	var q struct {
		Items    []json.RawMessage `json:"items"`
		Metadata json.RawMessage   `json:"metadata"`
	}
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	c := &storedConversation{ID: x.server.id("conv_", 48), Object: "conversation", CreatedAt: x.start.Unix(), Metadata: orDefault(q.Metadata, `{}`)}
	c.add(x.server, q.Items)
	s := &x.server.conversations
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*storedConversation{}
	}
	s.byID[c.ID] = c
	return x.sendJSON(http.StatusOK, encode(c))
}

// add gives items an id and keeps them. It returns them as they are then.
func (c *storedConversation) add(s *Server, items []json.RawMessage) (added []json.RawMessage) {
	for _, item := range items {
		var members map[string]json.RawMessage
		if json.Unmarshal(item, &members) != nil {
			continue
		}
		id := s.id("msg_", 48)
		members["id"] = json.RawMessage(quote(id))
		text := encode(members)
		c.items = append(c.items, conversationItem{id, text})
		added = append(added, text)
	}
	return added
}

// withConversation calls f with the conversation that the path names.
func (x *exchange) withConversation(f func(*storedConversation) (any, error)) error {
	s := &x.server.conversations
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byID[x.route.id]
	if c == nil {
		return notFoundByID("Conversation", x.route.id)
	}
	answer, err := f(c)
	if err != nil {
		return err
	}
	return x.sendJSON(http.StatusOK, encode(answer))
}

func notFoundByID(kind, id string) error {
	return &apiError{http.StatusNotFound, errorBody(kind+" with id '"+id+"' not found.", "invalid_request_error", "", ""), true}
}

func (x *exchange) getConversation() error {
	return x.withConversation(func(c *storedConversation) (any, error) { return c, nil })
}

func (x *exchange) updateConversation() error {
	var q struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	return x.withConversation(func(c *storedConversation) (any, error) {
		c.Metadata = orDefault(q.Metadata, `{}`)
		return c, nil
	})
}

func (x *exchange) deleteConversation() error {
	return x.withConversation(func(c *storedConversation) (any, error) {
		delete(x.server.conversations.byID, c.ID)
		return map[string]any{"id": c.ID, "object": "conversation.deleted", "deleted": true}, nil
	})
}

func (x *exchange) addItems() error {
	var q struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(x.body, &q); err != nil {
		return badJSON(err)
	}
	return x.withConversation(func(c *storedConversation) (any, error) { return itemList(c.add(x.server, q.Items)), nil })
}

func (x *exchange) listItems() error {
	return x.withConversation(func(c *storedConversation) (any, error) {
		texts := []json.RawMessage{}
		for _, item := range slices.Backward(c.items) { // the newest first
			texts = append(texts, item.text)
		}
		return itemList(texts), nil
	})
}

func itemList(items []json.RawMessage) any {
	return map[string]any{"object": "list", "data": items, "has_more": false}
}

func (x *exchange) getItem() error {
	return x.withConversation(func(c *storedConversation) (any, error) {
		i := c.find(x.route.item)
		if i < 0 {
			return nil, notFoundByID("Item", x.route.item)
		}
		return c.items[i].text, nil
	})
}

func (x *exchange) deleteItem() error {
	return x.withConversation(func(c *storedConversation) (any, error) {
		i := c.find(x.route.item)
		if i < 0 {
			return nil, notFoundByID("Item", x.route.item)
		}
		c.items = slices.Delete(c.items, i, i+1)
		return c, nil
	})
}

func (c *storedConversation) find(id string) int {
	return slices.IndexFunc(c.items, func(item conversationItem) bool { return item.id == id })
}
