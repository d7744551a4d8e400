package main

import (
	"fmt"
	"math/big"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
)

// Report says what was ordered on a day.
type Report struct {
	Day       string                `json:"day" dynamodbav:"day"`
	Orders    int                   `json:"orders" dynamodbav:"orders"`
	Customers int                   `json:"customers" dynamodbav:"customers"`
	Total     attributevalue.Number `json:"totalAmount" dynamodbav:"totalAmount"`
	Published bool                  `json:"-" dynamodbav:"published"` // the bus knows
}

// Summary sums orders up.
type Summary struct {
	Day       string
	orders    int
	customers map[string]struct{}
	total     big.Rat
}

// Add adds an order.
func (s *Summary) Add(o Order) error {
	amount, ok := new(big.Rat).SetString(o.Total.String())
	if !ok {
		return fmt.Errorf("order %s: its total is %q", o.ID, o.Total)
	}
	if s.customers == nil {
		s.customers = map[string]struct{}{}
	}
	s.orders++
	s.customers[o.Customer] = struct{}{}
	s.total.Add(&s.total, amount)
	return nil
}

// Report returns what the orders so far come to.
func (s *Summary) Report() Report {
	return Report{Day: s.Day, Orders: s.orders, Customers: len(s.customers), Total: attributevalue.Number(s.total.FloatString(2))}
}
