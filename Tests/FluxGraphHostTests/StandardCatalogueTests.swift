import FluxGraph
import FluxGraphHost
import Testing

/// What the catalogue says of stages before they are described is what their descriptions say.
@Suite struct StandardCatalogueTests {
  @Test("each stage has the name it is listed by", arguments: Catalogue.standard.names)
  func names(name: String) {
    #expect(Catalogue.standard[name]?.name == name)
  }

  @Test("and the role", arguments: AdapterRole.allCases)
  func roles(role: AdapterRole) {
    let catalogue = Catalogue.standard
    #expect(catalogue.adapter(role)?.role == role)
    #expect(catalogue.all.filter { $0.role == role }.map(\.name) == [catalogue.adapter(role)?.name])
  }

  @Test("the options roles name are there")
  func settings() {
    for stage in Catalogue.standard.all {
      if let setting = stage.adapter?.setting { #expect(stage.option(named: setting) != nil) }
    }
  }
}
