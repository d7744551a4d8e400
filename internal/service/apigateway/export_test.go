package apigateway

// Watched is how many accounts and regions are watched for changes.
func (s *Service) Watched() int {
	s.plans.mu.RLock()
	defer s.plans.mu.RUnlock()
	return len(s.plans.watched)
}
