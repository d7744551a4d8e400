package main

import (
	"encoding/json"
	"strings"
	"time"
)

// Order is what a customer has ordered: the guideline's OrderCreatedEvent.
type Order struct {
	ID        string      `json:"orderId"`
	Customer  string      `json:"customerId"`
	Total     json.Number `json:"totalAmount"` // as it was written: money is no float
	CreatedAt time.Time   `json:"createdAt,omitzero"`
}

// Processed is an order that was processed.
type Processed struct {
	ID        string    `json:"orderId" dynamodbav:"id"`
	Status    string    `json:"status" dynamodbav:"status"`
	At        time.Time `json:"processedAt" dynamodbav:"processedAt"`
	Published bool      `json:"-" dynamodbav:"published"` // the bus knows
	Signature string    `json:"signature" dynamodbav:"-"`
}

// problem says what is wrong with an order, to who sent it.
type problem string

func (p problem) Error() string { return string(p) }

// read decodes and validates an order.
func read(text string) (Order, error) {
	var o Order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return o, problem("Invalid event data")
	}
	o.ID, o.Customer = strings.TrimSpace(o.ID), strings.TrimSpace(o.Customer)
	total, err := o.Total.Float64()
	switch {
	case o.ID == "":
		return o, problem("orderId is required")
	case o.Customer == "":
		return o, problem("customerId is required")
	case err != nil || total <= 0:
		return o, problem("totalAmount must be more than 0")
	}
	return o, nil
}
