"""Frequent Colombian given names and surnames, folded: two different ones are two different persons."""

from __future__ import annotations

from typing import Final

_TEXT: Final = """
    adriana alba alberto alejandra alejandro alexander alfonso alicia alvaro amparo ana andrea andres angel angela
    antonio armando arturo aura beatriz bernardo blanca camila camilo carlos carmen carolina catalina cecilia cesar
    claudia clara consuelo cristian cristina daniel daniela dario david diana diego dora edgar edison eduardo edwin
    elena elizabeth elsa emilio enrique ernesto esperanza esteban eugenia fabian fabio felipe fernanda fernando
    flor francia francisco gabriel gabriela german gilberto gladys gloria gonzalo guillermo gustavo hector helena
    henry hernan hernando hugo humberto ignacio ines isabel ivan jaime jairo javier jesus joaquin john jorge jose
    juan juana julia julian julio karen laura leidy leonardo leonor ligia lilia liliana lina lorena lucia luis luisa
    luz manuel marcela marco margarita maria mariana mario marina marta martha martin mauricio mercedes miguel
    milton miriam monica myriam nancy natalia nelson nestor nicolas nora norma nubia olga omar orlando oscar pablo
    paola patricia paula pedro pilar rafael ramiro ramon raquel raul rebeca ricardo roberto rocio rodrigo rosa
    rosario ruben ruth samuel sandra santiago sara sebastian sergio silvia sofia soledad sonia stella teresa tomas
    valentina vanessa veronica victor victoria viviana walter william wilson ximena yolanda
    acevedo acosta agudelo aguilar alvarez alzate angulo arango aranda arboleda arce arias ariza arroyo avila ayala
    barrera barrios bedoya bejarano beltran benavides bermudez bernal blanco bonilla botero bravo buitrago bustos
    caballero cabrera caicedo calderon camacho campo cano cardenas cardona carvajal castaneda castano castillo castro
    ceballos chavez cifuentes contreras cordoba corrales correa cortes cruz cuellar cuero delgado diaz duque echeverri
    escobar espinosa espitia estrada fernandez figueroa florez fonseca forero franco galeano galindo gallego galvis
    garces garcia garzon gaviria gil giraldo gomez gonzalez granados grisales guerrero gutierrez guzman henao
    hernandez herrera hincapie hinestroza hoyos hurtado ibarguen jaramillo jimenez ladino lara leon londono lopez
    lozano lucumi lugo luna machado marin marquez marulanda martinez medina mejia mena mendez mendoza mesa molina
    montenegro montes montoya mora morales moreno mosquera munoz murillo naranjo nieto nino obando ocampo ochoa ojeda
    olarte orozco ortega ortiz osorio ospina pacheco padilla paez palacio palacios palomino parada pardo parra pena
    peralta perea perez perilla pineda pinto pinzon portilla posada prada prado quiceno quinones quintero ramirez
    ramos rangel rendon renteria restrepo reyes reina riascos rico rincon rios rivas rivera roa robledo rodriguez
    rojas roldan romero rosero rubio rueda ruiz saavedra salamanca salazar salcedo salgado sanchez sandoval santana
    santos sarmiento segura serna serrano sierra silva solano sosa soto suarez tamayo tapia tascon tejada tellez
    toro torres tovar trujillo urbano uribe urrego useche valderrama valdes valencia valenzuela vallejo varela vargas
    vasquez vega velandia velasco velasquez velez vera vergara viafara vidal villa villada villamizar villegas yepes
    zambrano zapata zuluaga zuniga
"""

COMMON_NAMES: Final = frozenset(_TEXT.split())
"""Given names and surnames together."""
