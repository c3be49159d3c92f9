param teamGroupObjectId string

// Reader
resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, teamGroupObjectId, 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  properties: {
    principalId: teamGroupObjectId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')
  }
}
