package ses

// notOffered says why operations have no handler that nube could not honour.
func (s *Service) notOffered() {
	s.v1.NotOffered("no mail comes in from outside",
		"CloneReceiptRuleSet", "CreateReceiptFilter", "CreateReceiptRule", "CreateReceiptRuleSet", "DeleteReceiptFilter", "DeleteReceiptRule",
		"DeleteReceiptRuleSet", "DescribeActiveReceiptRuleSet", "DescribeReceiptRule", "DescribeReceiptRuleSet", "ListReceiptFilters",
		"ListReceiptRuleSets", "ReorderReceiptRuleSet", "SendBounce", "SetActiveReceiptRuleSet", "SetReceiptRulePosition", "UpdateReceiptRule")
	s.v2.NotOffered("mail goes through no network of addresses with a reputation",
		"CreateDedicatedIpPool", "CreateDeliverabilityTestReport", "DeleteDedicatedIpPool", "GetBlacklistReports", "GetDedicatedIp", "GetDedicatedIpPool",
		"GetDedicatedIps", "GetDeliverabilityDashboardOptions", "GetDeliverabilityTestReport", "GetDomainDeliverabilityCampaign",
		"GetDomainStatisticsReport", "ListDedicatedIpPools", "ListDeliverabilityTestReports", "ListDomainDeliverabilityCampaigns", "ListRecommendations",
		"PutAccountDedicatedIpWarmupAttributes", "PutDedicatedIpInPool", "PutDedicatedIpPoolScalingAttributes", "PutDedicatedIpWarmupAttributes",
		"PutDeliverabilityDashboardOption")
}
